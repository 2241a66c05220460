/**
 * The table of live values: a row for each record, in the order of their names.
 *
 * @module
 */

import { arrange, element, flash, setText } from "./elements.js";
import { instantOf, nameOf, textOf, whenText } from "./values.js";

const STEP = 300;
const COLLATOR = new Intl.Collator("en", { numeric: true });

export class ValueTable {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #shown = STEP;
  #picked = "";
  /** Ids whose rows are to be drawn with the next frame. */
  #dirty = new Set();
  #isMoved = false;
  #frame = 0;

  /**
   * @param {HTMLTableSectionElement} body
   * @param {HTMLButtonElement} more Shows further rows.
   * @param {(id: string) => void} onPick
   */
  constructor(body, more, onPick) {
    this.body = body;
    this.more = more;
    this.onPick = onPick;
    more.addEventListener("click", () => this.#showMore());
    body.addEventListener("keydown", (event) => this.#step(event));
  }

  get size() {
    return this.#rows.size;
  }

  /** Begin anew, with nothing. */
  clear() {
    this.#rows.clear();
    this.#shown = STEP;
    this.#isMoved = true;
    this.#draw();
  }

  /**
   * @param {Record<string, any>[]} records
   * @param {string[]} gone
   */
  update(records, gone) {
    for (const id of gone) this.#isMoved = this.#rows.delete(id) || this.#isMoved;
    for (const record of records) this.#take(record);
    this.#draw();
  }

  /** @param {string} id Empty for none. */
  pick(id) {
    this.#rows.get(this.#picked)?.mark(false);
    this.#picked = id;
    this.#rows.get(id)?.mark(true);
  }

  /** @param {string} id */
  focus(id) {
    this.#rows.get(id)?.button?.focus();
  }

  /** @param {Record<string, any>} record */
  #take(record) {
    const id = record.id.val;
    const row = this.#rows.get(id);
    if (!row) {
      this.#rows.set(id, new Row(record));
      this.#isMoved = true;
    } else if (row.take(record)) {
      this.#isMoved = true;
    }
    this.#dirty.add(id);
  }

  /** Up and down, from row to row.
   * @param {KeyboardEvent} event */
  #step(event) {
    const row = /** @type {Element} */ (event.target).closest("tr");
    const next = {
      ArrowDown: row?.nextElementSibling,
      ArrowUp: row?.previousElementSibling,
    }[event.key];
    if (!next) return;
    event.preventDefault();
    next.querySelector("button")?.focus();
  }

  #showMore() {
    const first = this.#shown;
    this.#shown += STEP;
    this.#isMoved = true;
    this.#drawNow();
    this.body.rows[first]?.querySelector("button")?.focus();
  }

  /** With the next frame: what comes while nobody looks is drawn once. */
  #draw() {
    this.#frame ||= requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#isMoved) this.#arrange();
    for (const id of this.#dirty) this.#rows.get(id)?.draw();
    this.#dirty.clear();
    this.#isMoved = false;
  }

  #arrange() {
    const rows = [...this.#rows.values()].sort((a, b) =>
      COLLATOR.compare(a.name, b.name),
    );
    const shown = rows.slice(0, this.#shown);
    for (const row of shown) row.element ??= this.#made(row);
    arrange(
      this.body,
      shown.map((row) => row.element),
    );
    const left = rows.length - shown.length;
    this.more.hidden = !left;
    this.more.textContent =
      left > STEP ? `Show ${STEP} more of ${left}` : `Show ${left} more`;
  }

  /** @param {Row} row */
  #made(row) {
    const made = row.make();
    made.addEventListener("click", () => this.onPick(row.id));
    row.mark(row.id === this.#picked);
    return made;
  }
}

/** One record, and its row once it is shown. */
class Row {
  /** @type {any} */
  element;
  /** @type {any} */
  button;
  /** @type {Record<string, any>} */
  #cells = {};

  /** @param {Record<string, any>} record */
  constructor(record) {
    this.id = record.id.val;
    this.record = record;
    this.name = nameOf(record);
    this.changed = instantOf(record.hisEnd);
  }

  /**
   * @param {Record<string, any>} record
   * @returns {boolean} Whether its place may be another.
   */
  take(record) {
    if (liveText(record) !== liveText(this.record)) this.changed = Date.now();
    this.record = record;
    const before = this.name;
    this.name = nameOf(record);
    return this.name !== before;
  }

  make() {
    this.button = element("button", { type: "button", class: "name" });
    this.#cells = {
      curVal: element("td", { class: "number value" }),
      curStatus: element("span", { class: "status" }),
      writeVal: element("td", { class: "number written" }),
      changed: element("td", { class: "number changed" }),
    };
    const { curVal, curStatus, writeVal, changed } = this.#cells;
    this.element = element(
      "tr",
      { data: { id: this.id } },
      element("th", { scope: "row" }, this.button),
      curVal,
      element("td", {}, curStatus),
      writeVal,
      changed,
    );
    this.#fill();
    return this.element;
  }

  /** Show what it is now, and light up what has changed. */
  draw() {
    if (!this.element) return;
    for (const cell of this.#fill()) flash(cell.closest("td"));
  }

  /** @param {boolean} isPicked */
  mark(isPicked) {
    if (!this.element) return;
    this.element.classList.toggle("picked", isPicked);
    if (isPicked) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
  }

  /** @returns {HTMLElement[]} Cells whose text was another. */
  #fill() {
    const { curVal, curStatus, writeVal, changed } = this.#cells;
    setText(this.button, this.name);
    setText(changed, whenText(this.changed));
    for (const cell of [curStatus, curVal]) {
      cell.dataset.status = textOf(this.record.curStatus);
    }
    /** @type {[HTMLElement, string][]} */
    const texts = [
      [curVal, textOf(this.record.curVal)],
      [curStatus, textOf(this.record.curStatus)],
      [writeVal, writtenText(this.record)],
    ];
    return texts.filter(([cell, text]) => setText(cell, text)).map(([cell]) => cell);
  }
}

/** @param {Record<string, any>} record */
function writtenText({ writeVal, writeLevel }) {
  if (writeVal == null) return "";
  return writeLevel == null
    ? textOf(writeVal)
    : `${textOf(writeVal)} @ ${textOf(writeLevel)}`;
}

/**
 * What makes a change worth its time: values, not names.
 *
 * @param {Record<string, any>} record
 */
function liveText({ curVal, curStatus, curErr, writeVal, writeLevel, hisEnd }) {
  return JSON.stringify([curVal, curStatus, curErr, writeVal, writeLevel, hisEnd]);
}
