/**
 * Tree of sites, equipment and points: nested lists, loaded when they are opened.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { element } from "./elements.js";
import { nameOf, shortNameOf } from "./values.js";

/** @import { HaysonRef, Live, Rec } from "../live.js" */

/** @typedef {Rec & {navId?: HaysonRef}} NavRecord `navId` only if it has children. */

export class Tree {
  #isLoaded = false;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} note
   * @param {object} options
   * @param {Live["call"]} options.call
   * @param {(record: Rec) => void} options.onSelect
   */
  constructor(list, note, { call, onSelect }) {
    this.list = list;
    this.note = note;
    this.call = call;
    this.onSelect = onSelect;
  }

  /** Load the top level, unless that has been done. */
  async start() {
    if (this.#isLoaded) return;
    try {
      await this.#load(this.list);
      this.#isLoaded = true;
      this.#setNote(this.list.childElementCount ? "" : "No sites yet.");
    } catch (error) {
      this.#setNote(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} text */
  #setNote(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  /**
   * @param {HTMLElement} list
   * @param {HaysonRef} [parent] None for the top level.
   */
  async #load(list, parent) {
    const { rows } = await this.call("nav", gridOf(parent ? [{ navId: parent }] : []));
    const records = /** @type {NavRecord[]} */ (rows);
    list.replaceChildren(...records.map((record) => this.#makeItem(record, !parent)));
  }

  /**
   * @param {NavRecord} record
   * @param {boolean} isTop
   */
  #makeItem(record, isTop) {
    const text = isTop ? nameOf(record) : shortNameOf(record);
    /** @type {HTMLButtonElement} */
    const name = element("button", {
      type: "button",
      class: "place",
      text,
      click: () => this.#select(name, record),
    });
    const line = element("div", {}, name);
    const item = element("li", {}, line);
    if (!record.navId) return item;
    const children = element("ul", { hidden: "" });
    line.prepend(this.#makeToggle(children, refOf(record.navId.val), text));
    item.append(children);
    return item;
  }

  /**
   * @param {HTMLElement} children
   * @param {HaysonRef} parent
   * @param {string} text
   */
  #makeToggle(children, parent, text) {
    /** @type {HTMLButtonElement} */
    const toggle = element("button", {
      type: "button",
      class: "toggle",
      "aria-expanded": "false",
      "aria-label": `Contents of ${text}`,
      click: () => this.#toggle(toggle, children, parent),
    });
    return toggle;
  }

  /**
   * @param {HTMLElement} toggle
   * @param {HTMLElement} children
   * @param {HaysonRef} parent
   */
  async #toggle(toggle, children, parent) {
    const isOpen = toggle.getAttribute("aria-expanded") !== "true";
    setOpen(toggle, children, isOpen);
    if (!isOpen || children.childElementCount) return;
    try {
      await this.#load(children, parent);
      if (!children.childElementCount)
        children.append(element("li", { class: "note", text: "Empty" }));
    } catch (error) {
      children.replaceChildren();
      setOpen(toggle, children, false);
      this.#setNote(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {HTMLElement} name
   * @param {Rec} record
   */
  #select(name, record) {
    for (const other of this.list.querySelectorAll("[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    name.setAttribute("aria-current", "true");
    this.onSelect(record);
  }
}

/**
 * @param {HTMLElement} toggle
 * @param {HTMLElement} children
 * @param {boolean} isOpen
 */
function setOpen(toggle, children, isOpen) {
  toggle.setAttribute("aria-expanded", String(isOpen));
  children.hidden = !isOpen;
}
