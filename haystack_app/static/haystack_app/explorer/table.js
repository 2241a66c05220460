/**
 * Table of live values: a row for each record, in an order of the user's choice.
 *
 * Any number of records may be in it; only the rows on the screen are made.
 *
 * @module
 */

import { arranged } from "./arrangement.js";
import { NAME, compareKeys, isFirst, textIn } from "./columns.js";
import { arrange, byId } from "../shared/elements.js";
import { Row } from "./row.js";
import { TableHead } from "./table_head.js";
import { Viewport } from "./viewport.js";

/** @import { Rec } from "../live.js" */
/** @import { View } from "./address.js" */
/** @import { Handlers as RowHandlers } from "./row.js" */
/** @import { Handlers as HeadHandlers } from "./table_head.js" */

/** Milliseconds after which values are looked at again: they grow old by themselves. */
const AGING = 60_000;
/** Where the keys move the focus, from a row, with so many rows on the screen. */
const MOVES = /** @type {Record<string, (row: number, page: number) => number>} */ ({
  ArrowDown: (row) => row + 1,
  ArrowUp: (row) => row - 1,
  PageDown: (row, page) => row + page,
  PageUp: (row, page) => row - page,
  Home: () => 0,
  End: () => Infinity,
});

/**
 * @typedef {object} OwnHandlers
 * @property {(ids: string[], isEnd: boolean) => void} onVisible These records are on
 *   the screen; the last of them is the last row.
 * @property {() => void} onArranged Other rows pass the filters of the columns.
 */

/** @typedef {RowHandlers & HeadHandlers & OwnHandlers} Handlers */

export class ValueTable {
  /** @type {Map<string, Row>} All rows by id, on the page or not. */
  #rows = new Map();
  /** @type {Row[]} The same in order. */
  #ordered = [];
  /** @type {Row[]} Those that pass the filters of the columns, in order. */
  #shown = [];
  /** @type {Set<Row>} The rows that are on the page. */
  #made = new Set();
  /** @type {Set<string>} Ids of the rows that are open beside the table. */
  #marked = new Set();
  /** @type {Set<string>} Ids of rows to update with the next frame. */
  #changed = new Set();
  /** Whether rows have been added, removed or changed their place. */
  #isOrderChanged = false;
  #isArranging = false;
  #frame = 0;
  /** @type {Pick<View, "columns" | "sort" | "only">} */
  #view = { columns: [], sort: NAME, only: {} };
  /** The row that has, or had, the focus. */
  #focused = 0;

  #table = byId("values", HTMLTableElement);
  #body = byId("rows", HTMLTableSectionElement);
  #scroller = byId("scroll", HTMLElement);
  #viewport = new Viewport(
    this.#scroller,
    byId("space", HTMLElement),
    this.#table,
    () => this.#requestFrame(),
  );

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.head = new TableHead(byId("head", HTMLTableSectionElement), handlers);
    setInterval(() => this.redraw(), AGING);
    this.#scroller.addEventListener("keydown", (event) => this.#onKey(event));
    this.#body.addEventListener("focusin", (event) => {
      const row = /** @type {Element} */ (event.target).closest("tr");
      const index = Number(row?.getAttribute("aria-rowindex")) - 2;
      if (index >= 0) this.#focused = index;
    });
  }

  /** @returns {number} Rows that pass the filters of the columns. */
  get size() {
    return this.#shown.length;
  }

  /** @param {Pick<View, "columns" | "sort" | "only">} view */
  setView({ columns, sort, only }) {
    const before = this.#view;
    this.#view = { columns, sort, only };
    this.head.show(this.#view);
    if (columns.join() !== before.columns.join()) {
      this.#dropMade();
      this.#table.classList.toggle("plain", isFirst(columns));
      this.#table.style.setProperty("--columns", String(columns.length));
      this.#requestFrame();
    }
    if (sort === before.sort && JSON.stringify(only) === JSON.stringify(before.only))
      return;
    for (const row of this.#rows.values()) row.setKey(this.#sortTag);
    this.#reorder();
  }

  /** Remove all rows. */
  clear() {
    this.#rows.clear();
    this.#scroller.scrollTop = 0;
    this.#focused = 0;
    this.#reorder();
  }

  /**
   * @param {Rec[]} records
   * @param {string[]} gone
   */
  update(records, gone) {
    for (const id of gone) if (this.#rows.delete(id)) this.#isOrderChanged = true;
    for (const record of records) this.#setRecord(record);
    this.#requestFrame();
  }

  /** @param {string[]} ids Of the rows that are open beside the table. */
  mark(ids) {
    this.#marked = new Set(ids);
    for (const row of this.#made) row.mark(this.#marked.has(row.id));
  }

  /** Values have become old, or units were chosen. */
  redraw() {
    for (const row of this.#made) row.draw();
    if (this.#isFiltered) this.#reorder();
  }

  /** @returns {boolean} Whether a row has a history. */
  hasHistory() {
    for (const { record } of this.#rows.values()) if ("his" in record) return true;
    return false;
  }

  /** @returns {Row[]} The rows that pass the filters of the columns, in order. */
  get rows() {
    return this.#shown;
  }

  /**
   * @param {number} most
   * @returns {string[]} Ids of the first rows that have a history.
   */
  charted(most) {
    return this.#shown
      .filter(({ record }) => "his" in record)
      .slice(0, most)
      .map(({ id }) => id);
  }

  /** @param {string} id */
  focus(id) {
    const index = this.#shown.findIndex((row) => row.id === id);
    if (index >= 0) this.#focusRow(index);
  }

  get #sortTag() {
    return this.#view.sort.replace("-", "");
  }

  /** @param {Rec} record */
  #setRecord(record) {
    const id = record.id.val;
    const known = this.#rows.get(id);
    const row = known ?? new Row(record);
    if (known) row.setRecord(record);
    else this.#rows.set(id, row);
    if (row.setKey(this.#sortTag) || !known || this.#isFiltered)
      this.#isOrderChanged = true;
    this.#changed.add(id);
  }

  get #isFiltered() {
    return Object.keys(this.#view.only).length > 0;
  }

  /**
   * The arrow keys and the like move the focus from row to row.
   *
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    const move = MOVES[event.key];
    const isHere =
      event.target === this.#scroller ||
      this.#body.contains(/** @type {Node} */ (event.target));
    if (!move || !isHere || !this.#shown.length) return;
    event.preventDefault();
    this.#focusRow(move(this.#focused, this.#viewport.page));
  }

  /** @param {number} index */
  #focusRow(index) {
    this.#focused = Math.max(0, Math.min(index, this.#shown.length - 1));
    this.#viewport.reveal(this.#focused);
    this.#draw();
    this.#shown[this.#focused]?.focus();
  }

  #reorder() {
    this.#isOrderChanged = true;
    this.#requestFrame();
  }

  /** Draw with the next frame: updates of a page in the background are drawn once. */
  #requestFrame() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#isOrderChanged) this.#arrangeRows();
      else this.#draw();
    });
  }

  async #arrangeRows() {
    if (this.#isArranging) return; // it is done again at the end
    this.#isArranging = true;
    this.#isOrderChanged = false;
    const { sort, only } = this.#view;
    const direction = sort.startsWith("-") ? -1 : 1;
    const wanted = Object.entries(only).map(
      ([tag, text]) => /** @type {const} */ ([tag, text.toLowerCase()]),
    );
    const known = this.#ordered.filter((row) => this.#rows.get(row.id) === row);
    const held = new Set(known);
    for (const row of this.#rows.values()) if (!held.has(row)) known.push(row);
    const ordered = await arranged(
      known,
      (row) => (row.isShown = passes(row, wanted)),
      (a, b) =>
        compareKeys(a.key, b.key, direction) ||
        compareKeys(a.name, b.name, 1) ||
        (a.id < b.id ? -1 : 1),
    );
    this.#ordered = ordered.filter((row) => this.#rows.get(row.id) === row);
    this.#shown = wanted.length
      ? this.#ordered.filter((row) => row.isShown)
      : this.#ordered;
    this.#isArranging = false;
    this.handlers.onArranged();
    if (this.#isOrderChanged) this.#requestFrame();
    this.#draw();
  }

  #draw() {
    const count = this.#shown.length;
    const { first, last } = this.#viewport.range(count);
    const rows = this.#shown.slice(first, last);
    this.#replaceMade(rows);
    for (const [index, row] of rows.entries()) row.setIndex(first + index);
    for (const id of this.#changed) this.#rows.get(id)?.draw();
    this.#changed.clear();
    this.#table.setAttribute("aria-rowcount", String(count + 1));
    if (this.#viewport.place(first, count)) this.#requestFrame();
    const isEnd = last === count;
    this.handlers.onVisible(
      rows.map(({ id }) => id),
      isEnd,
    );
  }

  /** @param {Row[]} rows That are to be on the page. */
  #replaceMade(rows) {
    const hadFocus = this.#body.contains(document.activeElement);
    const made = new Set(rows);
    for (const row of this.#made) if (!made.has(row)) row.hide();
    this.#made = made;
    const { columns } = this.#view;
    arrange(
      this.#body,
      rows.map((row) => row.show(columns, this.handlers)),
    );
    for (const row of rows) row.mark(this.#marked.has(row.id));
    // the row with the focus has left the screen: keys go on from there
    if (hadFocus && !this.#body.contains(document.activeElement))
      this.#scroller.focus({ preventScroll: true });
  }

  #dropMade() {
    for (const row of this.#made) row.hide();
    this.#made.clear();
  }
}

/**
 * @param {Row} row
 * @param {(readonly [string, string])[]} wanted Texts in lower case, by their tags.
 */
const passes = (row, wanted) =>
  wanted.every(([tag, text]) => textIn(row, tag).toLowerCase().includes(text));
