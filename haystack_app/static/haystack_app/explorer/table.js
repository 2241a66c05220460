/**
 * Table of live values: a row for each record, sorted by name.
 *
 * @module
 */

import { arrange, element, flash, setText } from "./elements.js";
import { ageText, statusOf } from "./freshness.js";
import { instantOf, nameOf, textOf, whenText } from "./values.js";

/** @import { Rec } from "../live.js" */

/** Rows are added to the page in steps, because a filter may match thousands. */
const STEP = 300;
/** Milliseconds after which values are looked at again: they grow old by themselves. */
const AGING = 60_000;
const COLLATOR = new Intl.Collator("en", { numeric: true });

/**
 * @typedef {object} Handlers
 * @property {(id: string) => void} onSelect
 * @property {(id: string, isChecked: boolean) => void} onCheck A point is put on the
 *   chart, or taken off.
 * @property {() => void} onMore More records are wanted than have been loaded.
 */

export class ValueTable {
  /** @type {Map<string, Row>} All rows by id, on the page or not. */
  #rows = new Map();
  #limit = STEP;
  /** Whether more records match than have been loaded. */
  #hasMore = false;
  /** @type {Set<string>} Ids of the rows that are open beside the table. */
  #marked = new Set();
  /** @type {Set<string>} Ids of rows to update with the next frame. */
  #changed = new Set();
  /** Whether rows have been added, removed or renamed since the last frame. */
  #isOrderChanged = false;
  #frame = 0;

  /**
   * @param {HTMLTableSectionElement} body
   * @param {HTMLButtonElement} more Shows the next step of rows.
   * @param {Handlers} handlers
   */
  constructor(body, more, handlers) {
    this.body = body;
    this.more = more;
    this.handlers = handlers;
    setInterval(() => this.#age(), AGING);
    more.addEventListener("click", () => this.#showMore());
    body.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Remove all rows. */
  clear() {
    this.#rows.clear();
    this.#limit = STEP;
    this.#isOrderChanged = true;
    this.#requestFrame();
  }

  /**
   * @param {Rec[]} records
   * @param {string[]} gone
   * @param {boolean} hasMore Whether more records match than have been loaded.
   */
  update(records, gone, hasMore) {
    if (hasMore !== this.#hasMore) this.#isOrderChanged = true;
    this.#hasMore = hasMore;
    for (const id of gone) if (this.#rows.delete(id)) this.#isOrderChanged = true;
    for (const record of records) this.#setRecord(record);
    this.#requestFrame();
  }

  /** @param {string[]} ids Of the rows that are open beside the table. */
  mark(ids) {
    this.#marked = new Set(ids);
    for (const [id, row] of this.#rows) row.mark(this.#marked.has(id));
  }

  /** @returns {boolean} Whether a row has a history. */
  hasHistory() {
    return [...this.#rows.values()].some(({ record }) => "his" in record);
  }

  /**
   * @param {number} most
   * @returns {string[]} Ids of the first rows on the page that have a history.
   */
  charted(most) {
    return this.#sorted()
      .filter(({ record }) => "his" in record)
      .slice(0, most)
      .map(({ id }) => id);
  }

  /** @param {string} id */
  focus(id) {
    this.#rows.get(id)?.focus();
  }

  /** @param {Rec} record */
  #setRecord(record) {
    const id = record.id.val;
    const row = this.#rows.get(id);
    if (!row) {
      this.#rows.set(id, new Row(record, this.handlers));
      this.#isOrderChanged = true;
    } else if (row.setRecord(record)) {
      this.#isOrderChanged = true;
    }
    this.#changed.add(id);
  }

  /**
   * The arrow keys move the focus from row to row.
   *
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    const row = /** @type {Element} */ (event.target).closest("tr");
    const next =
      event.key === "ArrowDown"
        ? row?.nextElementSibling
        : event.key === "ArrowUp"
          ? row?.previousElementSibling
          : null;
    if (!next) return;
    event.preventDefault();
    next.querySelector("button")?.focus();
  }

  #showMore() {
    const first = this.#limit;
    const isLoaded = this.#rows.size > this.#limit;
    this.#limit += STEP;
    if (!isLoaded) {
      this.handlers.onMore();
      return;
    }
    this.#isOrderChanged = true;
    this.#draw();
    this.body.rows[first]?.querySelector("button")?.focus();
  }

  /** Draw with the next frame: updates of a page in the background are drawn once. */
  #requestFrame() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#isOrderChanged) this.#sort();
    for (const id of this.#changed) this.#rows.get(id)?.draw();
    this.#changed.clear();
    this.#isOrderChanged = false;
  }

  #sorted() {
    return [...this.#rows.values()].sort((a, b) => COLLATOR.compare(a.name, b.name));
  }

  #age() {
    for (const row of this.#rows.values()) row.draw();
  }

  #sort() {
    const rows = this.#sorted();
    const elements = rows.slice(0, this.#limit).map((row) => row.show());
    arrange(this.body, elements);
    for (const id of this.#marked) this.#rows.get(id)?.mark(true);
    const left = rows.length - elements.length;
    this.more.hidden = !left && !this.#hasMore;
    this.more.textContent = !left
      ? `Show ${STEP} more`
      : left > STEP
        ? `Show ${STEP} more of ${left}`
        : `Show ${left} more`;
  }
}

/** A record and, once it is on the page, its table row. */
class Row {
  /** @type {RowElements | undefined} */
  #elements;

  /**
   * @param {Rec} record
   * @param {Handlers} handlers
   */
  constructor(record, handlers) {
    this.id = record.id.val;
    this.handlers = handlers;
    this.record = record;
    this.name = nameOf(record);
    /** Milliseconds since 1970. */
    this.changed = instantOf(record.hisEnd);
  }

  /**
   * @param {Rec} record
   * @returns {boolean} Whether the name changed, and with it the order.
   */
  setRecord(record) {
    if (liveText(record) !== liveText(this.record)) this.changed = Date.now();
    this.record = record;
    const before = this.name;
    this.name = nameOf(record);
    return this.name !== before;
  }

  /** @returns {HTMLElement} */
  show() {
    if (!this.#elements) {
      this.#elements = makeRow(this.id, this.handlers);
      this.#fill(this.#elements);
    }
    return this.#elements.row;
  }

  /** Show the current record, and highlight the cells that changed. */
  draw() {
    if (!this.#elements) return;
    for (const cell of this.#fill(this.#elements)) flash(cell);
  }

  /** @param {boolean} isSelected */
  mark(isSelected) {
    if (!this.#elements) return;
    const { row, button, check } = this.#elements;
    check.checked = isSelected;
    row.classList.toggle("picked", isSelected);
    if (isSelected) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  focus() {
    this.#elements?.button.focus();
  }

  /**
   * @param {RowElements} elements
   * @returns {HTMLElement[]} The cells of values that changed.
   */
  #fill({ button, check, value, statusCell, status, written, changed }) {
    setText(button, this.name);
    setText(changed, whenText(this.changed));
    check.setAttribute("aria-label", `Chart ${this.name}`);
    check.hidden = !("kind" in this.record);
    const { status: statusText, since } = statusOf(this.record);
    value.dataset.status = status.dataset.status = statusText;
    statusCell.title = Number.isNaN(since)
      ? ""
      : `the value is ${ageText(Date.now() - since)} old`;
    const cells = [];
    if (setText(value, textOf(this.record.curVal))) cells.push(value);
    if (setText(status, statusText)) cells.push(statusCell);
    if (setText(written, writtenText(this.record))) cells.push(written);
    return cells;
  }
}

/** @typedef {ReturnType<typeof makeRow>} RowElements */

/**
 * @param {string} id
 * @param {Handlers} handlers
 */
function makeRow(id, { onSelect, onCheck }) {
  /** @type {HTMLInputElement} */
  const check = element("input", {
    type: "checkbox",
    change: () => onCheck(id, check.checked),
  });
  const checkCell = element("td", { class: "check" }, check);
  checkCell.addEventListener("click", (event) => event.stopPropagation());
  const button = element("button", { type: "button", class: "name" });
  const value = element("td", { class: "number value" });
  const status = element("span", { class: "status" });
  const statusCell = element("td", {}, status);
  const written = element("td", { class: "number written" });
  const changed = element("td", { class: "number changed" });
  const row = element(
    "tr",
    { data: { id }, click: () => onSelect(id) },
    checkCell,
    element("th", { scope: "row" }, button),
    value,
    statusCell,
    written,
    changed,
  );
  return { row, button, check, value, status, statusCell, written, changed };
}

/** @param {Rec} record */
function writtenText({ writeVal, writeLevel }) {
  if (writeVal == null) return "";
  return writeLevel == null
    ? textOf(writeVal)
    : `${textOf(writeVal)} @ ${textOf(writeLevel)}`;
}

/**
 * The tags whose change counts for the column "Changed": values, not names.
 *
 * @param {Rec} record
 */
function liveText({ curVal, curStatus, curErr, writeVal, writeLevel, hisEnd }) {
  return JSON.stringify([curVal, curStatus, curErr, writeVal, writeLevel, hisEnd]);
}
