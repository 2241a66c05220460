/**
 * Table of live values: a row for each record, sorted by name.
 *
 * @module
 */

import { arrange, element, flash, setText } from "./elements.js";
import { instantOf, nameOf, textOf, whenText } from "./values.js";

/** @import { Rec } from "../live.js" */

/** Rows are added to the page in steps, because a filter may match thousands. */
const STEP = 300;
const COLLATOR = new Intl.Collator("en", { numeric: true });

export class ValueTable {
  /** @type {Map<string, Row>} All rows by id, on the page or not. */
  #rows = new Map();
  #limit = STEP;
  #selected = "";
  /** @type {Set<string>} Ids of rows to update with the next frame. */
  #changed = new Set();
  /** Whether rows have been added, removed or renamed since the last frame. */
  #isOrderChanged = false;
  #frame = 0;

  /**
   * @param {HTMLTableSectionElement} body
   * @param {HTMLButtonElement} more Shows the next step of rows.
   * @param {(id: string) => void} onSelect
   */
  constructor(body, more, onSelect) {
    this.body = body;
    this.more = more;
    this.onSelect = onSelect;
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
   */
  update(records, gone) {
    for (const id of gone) if (this.#rows.delete(id)) this.#isOrderChanged = true;
    for (const record of records) this.#setRecord(record);
    this.#requestFrame();
  }

  /** @param {string} id Empty to select no row. */
  select(id) {
    this.#rows.get(this.#selected)?.mark(false);
    this.#selected = id;
    this.#rows.get(id)?.mark(true);
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
      this.#rows.set(id, new Row(record, this.onSelect));
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
    this.#limit += STEP;
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

  #sort() {
    const rows = [...this.#rows.values()].sort((a, b) =>
      COLLATOR.compare(a.name, b.name),
    );
    const elements = rows.slice(0, this.#limit).map((row) => row.show());
    arrange(this.body, elements);
    this.#rows.get(this.#selected)?.mark(true);
    const left = rows.length - elements.length;
    this.more.hidden = !left;
    this.more.textContent =
      left > STEP ? `Show ${STEP} more of ${left}` : `Show ${left} more`;
  }
}

/** A record and, once it is on the page, its table row. */
class Row {
  /** @type {RowElements | undefined} */
  #elements;

  /**
   * @param {Rec} record
   * @param {(id: string) => void} onSelect
   */
  constructor(record, onSelect) {
    this.id = record.id.val;
    this.onSelect = onSelect;
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
      this.#elements = makeRow(this.id, () => this.onSelect(this.id));
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
    const { row, button } = this.#elements;
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
  #fill({ button, value, statusCell, status, written, changed }) {
    setText(button, this.name);
    setText(changed, whenText(this.changed));
    const { curVal, curStatus } = this.record;
    const statusText = textOf(curStatus);
    value.dataset.status = status.dataset.status = statusText;
    const cells = [];
    if (setText(value, textOf(curVal))) cells.push(value);
    if (setText(status, statusText)) cells.push(statusCell);
    if (setText(written, writtenText(this.record))) cells.push(written);
    return cells;
  }
}

/** @typedef {ReturnType<typeof makeRow>} RowElements */

/**
 * @param {string} id
 * @param {() => void} click
 */
function makeRow(id, click) {
  const button = element("button", { type: "button", class: "name" });
  const value = element("td", { class: "number value" });
  const status = element("span", { class: "status" });
  const statusCell = element("td", {}, status);
  const written = element("td", { class: "number written" });
  const changed = element("td", { class: "number changed" });
  const row = element(
    "tr",
    { data: { id }, click },
    element("th", { scope: "row" }, button),
    value,
    statusCell,
    written,
    changed,
  );
  return { row, button, value, status, statusCell, written, changed };
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
