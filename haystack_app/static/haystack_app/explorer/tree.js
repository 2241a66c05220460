/**
 * Tree of sites, spaces, equipment and points: nested lists, loaded when they are
 * opened, and opened to what is selected.
 *
 * @module
 */

import { gettext, language } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { element } from "../shared/elements.js";
import { pathTo, roots } from "./tree_nodes.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { TreeNode } from "./tree_nodes.js" */

const MOST_LEVELS = 12;

/** A node on the page: its item, and what opens it if there is something below. */
class Item {
  /** @type {Item[] | null} */
  children = null;
  /** @type {Promise<void> | null} */
  #loading = null;
  #toggle;
  #list = element("ul", { hidden: "" });

  /**
   * @param {TreeNode} node
   * @param {(item: Item) => void} onSelect
   * @param {(error: Error) => void} onError
   */
  constructor(node, onSelect, onError) {
    this.node = node;
    this.onSelect = onSelect;
    this.onError = onError;
    this.name = element(
      "button",
      {
        type: "button",
        class: "place",
        title: node.text,
        data: node.record ? { id: node.record.id.val } : {},
        click: () => onSelect(this),
      },
      element("span", { text: node.text }),
    );
    if (node.count)
      this.name.append(
        element("small", { text: ` ${node.count.toLocaleString(language)}` }),
      );
    this.#toggle = element("button", {
      type: "button",
      class: "toggle",
      "aria-expanded": "false",
      "aria-label": gettext("Contents of %(name)s", { name: node.text }),
      click: () => this.setOpen(Boolean(this.#list.hidden)).catch(onError),
    });
    const line = element("div", {}, ...(node.load ? [this.#toggle] : []), this.name);
    this.element = element("li", {}, line, ...(node.load ? [this.#list] : []));
  }

  /** @param {boolean} isOpen Rejects if what is below it cannot be loaded. */
  async setOpen(isOpen) {
    const { load } = this.node;
    if (!load) return;
    this.#show(isOpen);
    if (!isOpen || this.children) return;
    this.#loading ??= this.#load(load);
    await this.#loading;
  }

  /** @param {NonNullable<TreeNode["load"]>} load */
  async #load(load) {
    try {
      const nodes = await load();
      this.children = nodes.map((node) => new Item(node, this.onSelect, this.onError));
      const empty = element("li", { class: "note", text: gettext("Empty") });
      const items = this.children.map((child) => child.element);
      this.#list.replaceChildren(...(items.length ? items : [empty]));
    } catch (error) {
      this.#show(false);
      throw error;
    } finally {
      this.#loading = null;
    }
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
    this.#list.hidden = !isOpen;
  }
}

export class Tree {
  /** @type {Item[]} */
  #roots = [];
  #isLoaded = false;
  /** The id of what is selected. */
  #selected = "";

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} note
   * @param {object} options
   * @param {Live["call"]} options.call
   * @param {(record: Rec) => void} options.onSelect
   * @param {(filter: string) => void} options.onGroup
   */
  constructor(list, note, { call, onSelect, onGroup }) {
    this.list = list;
    this.note = note;
    this.call = call;
    this.onSelect = onSelect;
    this.onGroup = onGroup;
  }

  /** Load the top level, unless that has been done. */
  async start() {
    if (this.#isLoaded) return;
    try {
      const nodes = await roots(this.call);
      this.#isLoaded = true;
      this.#roots = nodes.map(
        (node) =>
          new Item(
            node,
            (item) => this.#onSelect(item),
            (error) => this.#setNote(error.message),
          ),
      );
      this.list.replaceChildren(...this.#roots.map((item) => item.element));
      this.#setNote(nodes.length ? "" : gettext("No sites yet."));
      if (this.#selected) await this.#open(this.#selected);
    } catch (error) {
      this.#setNote(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} id Of the record that is open; empty for none. */
  reveal(id) {
    if (id === this.#selected) return;
    this.#selected = id;
    this.#mark(null);
    if (id && this.#isLoaded) this.#open(id).catch(() => {});
  }

  /** @param {string} id */
  async #open(id) {
    const path = await pathTo(id, this.#finder());
    let items = this.#roots;
    for (const [level, key] of path.slice(0, MOST_LEVELS).entries()) {
      const item = items.find(({ node }) => node.key === key);
      if (id !== this.#selected) return;
      if (!item) continue; // a short list has no groups
      if (level === path.length - 1) this.#mark(item);
      else await item.setOpen(true);
      items = item.children ?? [];
    }
  }

  /** Reads records that lead to one another, each once. */
  #finder() {
    /** @type {Set<string>} */
    const seen = new Set();
    return async (/** @type {string} */ id) => {
      if (seen.has(id) || seen.size > MOST_LEVELS) return null;
      seen.add(id);
      const { rows } = await this.call("read", gridOf([{ id: refOf(id) }]));
      const [record] = rows;
      return record?.id ? /** @type {Rec} */ (record) : null;
    };
  }

  /** @param {string} text */
  #setNote(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  /** @param {Item} item */
  #onSelect(item) {
    const { record, filter } = item.node;
    this.#selected = record?.id.val ?? "";
    this.#mark(item);
    if (record) this.onSelect(record);
    else if (filter) this.onGroup(filter);
  }

  /** @param {Item | null} item */
  #mark(item) {
    for (const other of this.list.querySelectorAll("[aria-current]"))
      other.removeAttribute("aria-current");
    item?.name.setAttribute("aria-current", "true");
    item?.name.scrollIntoView({ block: "nearest" });
  }
}
