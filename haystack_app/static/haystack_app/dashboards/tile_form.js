/**
 * The dialog in which a tile or a section is described.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { choice, element, textField } from "../shared/elements.js";
import { FOLDS, KINDS } from "./content.js";

/** @import { Section, Tile } from "./content.js" */

/**
 * Ask for the fields of a tile.
 *
 * @param {Tile} tile
 * @param {(filter: string) => Promise<string>} test What a filter matches, or why it is
 *   not valid.
 * @returns {Promise<Tile | null>} Null if the user thinks better of it.
 */
export function askTile(tile, test) {
  const kind = choice("", KINDS);
  kind.value = tile.kind;
  const title = input(gettext("Title"), tile.title ?? "");
  const filter = input(gettext("Filter"), tile.filter);
  const columns = input(
    gettext("Columns"),
    (tile.columns ?? []).join(", "),
    "curVal, curStatus",
  );
  const fold = choice("", FOLDS);
  fold.value = tile.fold ?? "value";
  const [columnField, foldField] = [
    field(gettext("Columns: tags with commas"), columns),
    field(gettext("Number"), fold),
  ];
  const follow = () => {
    columnField.hidden = kind.value !== "table";
    foldField.hidden = kind.value !== "number";
  };
  kind.addEventListener("change", follow);
  follow();
  const fields = [
    field(gettext("Kind"), kind),
    field(gettext("Title; $each and $subject stand for names"), title),
    field(gettext("Filter; $each and $subject stand for refs"), filter),
    testOf(filter, test),
    columnField,
    foldField,
  ];
  return ask(gettext("Tile"), fields, () => ({
    ...tile,
    kind: /** @type {Tile["kind"]} */ (kind.value),
    title: title.value.trim(),
    filter: filter.value.trim(),
    columns: columns.value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
    fold: fold.value,
  }));
}

/**
 * @param {Section} section
 * @param {(filter: string) => Promise<string>} test
 * @returns {Promise<Section | null>}
 */
export function askSection(section, test) {
  const title = input(gettext("Title"), section.title ?? "");
  const each = input(
    gettext("Repeat for each"),
    section.each ?? "",
    "ahu and siteRef==$subject",
  );
  const fields = [
    field(gettext("Title"), title),
    field(gettext("Repeat the tiles for each match of a filter (optional)"), each),
    testOf(each, test),
  ];
  return ask(gettext("Section"), fields, () => ({
    ...section,
    title: title.value.trim(),
    each: each.value.trim(),
  }));
}

/**
 * @template T
 * @param {string} name
 * @param {HTMLElement[]} fields
 * @param {() => T} read
 * @returns {Promise<T | null>}
 */
function ask(name, fields, read) {
  return new Promise((resolve) => {
    /** @type {HTMLDialogElement} */
    const dialog = element("dialog", { "aria-labelledby": "dialog-name" });
    const heading = element("h2", { text: name, id: "dialog-name" });
    const form = element(
      "form",
      { method: "dialog" },
      heading,
      ...fields,
      element(
        "div",
        { class: "buttons" },
        element("button", { class: "button", text: gettext("Done"), value: "done" }),
        element("button", {
          type: "button",
          text: gettext("Cancel"),
          click: () => dialog.close(),
        }),
      ),
    );
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "done" ? read() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * @param {string} label
 * @param {string} value
 * @param {string} [placeholder]
 */
function input(label, value, placeholder) {
  const made = textField(label, placeholder);
  made.removeAttribute("aria-label"); // the label around it has more
  made.value = value;
  return made;
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
const field = (text, control) =>
  element("label", {}, element("span", { text }), control);

/**
 * @param {HTMLInputElement} filter
 * @param {(filter: string) => Promise<string>} test
 */
function testOf(filter, test) {
  const said = element("p", { class: "note", role: "status" });
  let round = 0;
  let timer = 0;
  const run = async () => {
    const own = ++round;
    const text = filter.value.trim();
    const answer = text ? await test(text) : "";
    if (own === round) said.textContent = answer;
  };
  filter.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(run, 400);
  });
  run();
  return said;
}
