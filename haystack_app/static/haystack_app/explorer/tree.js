/**
 * Sites, their equipment, its points: a list in a list, filled as it is opened.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { element } from "./elements.js";
import { nameOf, shortNameOf } from "./values.js";

export class Tree {
  #isFilled = false;

  /**
   * @param {HTMLUListElement} list
   * @param {HTMLElement} note
   * @param {{call: (op: string, grid: any) => Promise<any>,
   *   onPlace: (record: Record<string, any>) => void}} options
   */
  constructor(list, note, { call, onPlace }) {
    this.list = list;
    this.note = note;
    this.call = call;
    this.onPlace = onPlace;
  }

  /** Ask for the roots, unless they are there. */
  async start() {
    if (this.#isFilled) return;
    try {
      await this.#fill(this.list, undefined);
      this.#isFilled = true;
      this.#say(this.list.childElementCount ? "" : "No sites yet.");
    } catch (error) {
      this.#say(error.message);
    }
  }

  /** @param {string} text */
  #say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  /**
   * @param {Element} list
   * @param {any} navId
   */
  async #fill(list, navId) {
    const answer = await this.call("nav", gridOf(navId ? [{ navId }] : []));
    const isRoot = !navId;
    list.replaceChildren(
      ...answer.rows.map((/** @type {any} */ row) => this.#item(row, isRoot)),
    );
  }

  /**
   * @param {Record<string, any>} record
   * @param {boolean} isRoot
   */
  #item(record, isRoot) {
    const text = isRoot ? nameOf(record) : shortNameOf(record);
    const name = element("button", {
      type: "button",
      class: "place",
      text,
      click: () => this.#choose(name, record),
    });
    const item = element("li", {}, element("div", {}, name));
    if (record.navId) this.#openable(item, record, text);
    return item;
  }

  /**
   * @param {any} item
   * @param {Record<string, any>} record
   * @param {string} text
   */
  #openable(item, record, text) {
    const children = element("ul", { hidden: "" });
    const toggle = element("button", {
      type: "button",
      class: "toggle",
      "aria-expanded": "false",
      "aria-label": `Open ${text}`,
      click: () => this.#toggle(toggle, children, record),
    });
    item.firstElementChild.prepend(toggle);
    item.append(children);
  }

  /**
   * @param {any} toggle
   * @param {any} children
   * @param {Record<string, any>} record
   */
  async #toggle(toggle, children, record) {
    const isOpen = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", isOpen);
    children.hidden = !isOpen;
    if (!isOpen || children.childElementCount) return;
    try {
      await this.#fill(children, refOf(record.navId.val ?? record.navId));
      if (!children.childElementCount) children.append(note("nothing inside"));
    } catch (error) {
      children.replaceChildren();
      children.hidden = true;
      toggle.setAttribute("aria-expanded", "false");
      this.#say(error.message);
    }
  }

  /**
   * @param {HTMLElement} name
   * @param {Record<string, any>} record
   */
  #choose(name, record) {
    for (const one of this.list.querySelectorAll("[aria-current]")) {
      one.removeAttribute("aria-current");
    }
    name.setAttribute("aria-current", "true");
    this.onPlace(record);
  }
}

/** @param {string} text */
const note = (text) => element("li", { class: "note", text });
