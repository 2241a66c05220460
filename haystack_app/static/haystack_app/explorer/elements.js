/**
 * Elements of a page, made without a line of HTML.
 *
 * @module
 */

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] `text` and `class`, `data` for data
 *   attributes, functions for events, anything else an attribute.
 * @param {...Node} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") made.textContent = value;
    else if (name === "class") made.className = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * An element of the page that is there.
 *
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * Change a text only if it is another, so that selections stay.
 *
 * @param {HTMLElement} shown
 * @param {string} text
 * @returns {boolean} Whether it was another.
 */
export function setText(shown, text) {
  if (shown.textContent === text) return false;
  shown.textContent = text;
  return true;
}

/**
 * Light an element up for a moment. Two names of one animation take turns: setting
 * the same one again would not start it.
 *
 * @param {HTMLElement} shown
 */
export function flash(shown) {
  shown.dataset.flash = shown.dataset.flash === "a" ? "b" : "a";
}

/**
 * Put children in this order and move only those that are elsewhere, so that the
 * one with the focus keeps it.
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
