/**
 * Elements of the page, built without HTML strings.
 *
 * @module
 */

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | (() => void) | Record<string, string>>} [properties]
 *   `text`; `class`; `data`, an object of data attributes; a function is a listener
 *   for the event of its name; any other string is an attribute.
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (typeof value === "object") Object.assign(made.dataset, value);
    else if (name === "text") made.textContent = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * A list to choose from.
 *
 * @param {string} label For readers that do not see it; empty if a label is around it.
 * @param {(string | readonly [string, string])[]} options Texts, or values and texts.
 */
export function choice(label, options) {
  const made = options.map((one) => {
    const [value, text] = typeof one === "string" ? [one, one] : one;
    return element("option", { value, text });
  });
  return element("select", label ? { "aria-label": label } : {}, ...made);
}

/**
 * An input for names and values, which are not words of a language.
 *
 * @param {string} label For readers that do not see it.
 * @param {string} [placeholder]
 */
export const textField = (label, placeholder) =>
  element("input", {
    type: "text",
    "aria-label": label,
    autocomplete: "off",
    spellcheck: "false",
    ...(placeholder ? { placeholder } : {}),
  });

/**
 * @param {string} text
 * @param {HTMLElement} field
 */
export const labelled = (text, field) =>
  element("label", {}, element("span", { text }), field);

/**
 * Find an element of the page's template.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`#${id} is not a ${type.name}`);
  return found;
}

/**
 * Set a text. One that stays the same is not touched, which keeps selections.
 *
 * @param {HTMLElement} shown
 * @param {string} text
 * @returns {boolean} Whether the text changed.
 */
export function setText(shown, text) {
  if (shown.textContent === text) return false;
  shown.textContent = text;
  return true;
}

/**
 * Highlight an element for a moment. The style sheet has the same animation under
 * two names, because setting the same name again would not restart it.
 *
 * @param {HTMLElement} shown
 */
export function flash(shown) {
  shown.dataset.flash = shown.dataset.flash === "a" ? "b" : "a";
}

/**
 * Make `children` the children of `parent`, in this order. Only elements that are
 * out of place are moved, which keeps the focus.
 *
 * @param {Element} parent
 * @param {Element[]} children
 */
export function arrange(parent, children) {
  let next = parent.firstElementChild;
  for (const child of children) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  while (next) {
    const after = next.nextElementSibling;
    next.remove();
    next = after;
  }
}
