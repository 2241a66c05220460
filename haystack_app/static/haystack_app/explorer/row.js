/**
 * A record in the table, and its table row while it is on the screen.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { NAME, classOf, keyIn, liveText, refIn, staleText, textIn } from "./columns.js";
import { element, flash, setText } from "../shared/elements.js";
import { statusOf } from "../shared/freshness.js";
import { instantOf, nameOf } from "../shared/values.js";

/** @import { Rec } from "../live.js" */
/** @import { Key } from "./columns.js" */

/**
 * @typedef {object} Handlers
 * @property {(id: string) => void} onSelect
 * @property {(id: string) => string} hrefOf The address of the page with a record open.
 * @property {(id: string, isChecked: boolean) => void} onCheck A point is put on the
 *   chart, or taken off.
 */

export class Row {
  /** @type {RowElements | null} */
  #elements = null;
  /** Whether it passes the filters of the columns. */
  isShown = true;
  /** @type {Key} What it is sorted by. */
  key;

  /** @param {Rec} record */
  constructor(record) {
    this.id = record.id.val;
    this.record = record;
    this.name = nameOf(record);
    /** Milliseconds since 1970. */
    this.changed = instantOf(record.hisEnd);
  }

  /** @param {Rec} record */
  setRecord(record) {
    if (liveText(record) !== liveText(this.record)) this.changed = Date.now();
    this.record = record;
    this.name = nameOf(record);
  }

  /**
   * @param {string} tag That the rows are sorted by.
   * @returns {boolean} Whether the place of the row may have changed.
   */
  setKey(tag) {
    const before = this.key;
    this.key = keyIn(this, tag);
    return this.key !== before;
  }

  /**
   * @param {string[]} columns
   * @param {Handlers} handlers
   * @returns {HTMLElement} The table row, which is made unless it is there.
   */
  show(columns, handlers) {
    if (!this.#elements) {
      this.#elements = makeRow(this.id, columns, handlers);
      this.#fill(this.#elements);
    }
    return this.#elements.row;
  }

  /** Forget the table row. */
  hide() {
    this.#elements = null;
  }

  /** Show the current record, and highlight the cells that changed. */
  draw() {
    if (!this.#elements) return;
    for (const cell of this.#fill(this.#elements)) flash(cell);
  }

  /** @param {number} index Of the row in the table, from 0. */
  setIndex(index) {
    this.#elements?.row.setAttribute("aria-rowindex", String(index + 2));
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
  #fill({ button, check, cells }) {
    setText(button, this.name);
    button.title = this.name;
    check.setAttribute("aria-label", gettext("Chart %(name)s", { name: this.name }));
    check.hidden = !("kind" in this.record);
    return cells
      .filter((cell) => cell.fill(this) && cell.tag !== "hisEnd")
      .map(({ element: changed }) => changed);
  }
}

/** @typedef {ReturnType<typeof makeRow>} RowElements */

/**
 * @param {string} id
 * @param {string[]} columns
 * @param {Handlers} handlers
 */
function makeRow(id, columns, handlers) {
  /** @type {HTMLInputElement} */
  const check = element("input", {
    type: "checkbox",
    change: () => handlers.onCheck(id, check.checked),
  });
  const checkCell = element("td", { class: "check" }, check);
  checkCell.addEventListener("click", (event) => event.stopPropagation());
  const button = element("button", { type: "button", class: "name" });
  const cells = columns.map((tag) => makeCell(tag, handlers));
  const row = element(
    "tr",
    { data: { id }, click: () => handlers.onSelect(id) },
    checkCell,
    element("th", { scope: "row" }, button),
    ...cells.map((cell) => cell.element),
  );
  return { row, button, check, cells };
}

/**
 * A cell, and what writes a row's text into it and says whether it changed.
 *
 * @param {string} tag
 * @param {Handlers} handlers
 */
function makeCell(tag, handlers) {
  const cell = element("td", { class: classOf(tag) });
  /** @type {HTMLElement | null} */
  let inner = null;
  const fill = (/** @type {Row} */ row) => {
    const text = textIn(row, tag);
    const ref = refIn(row.record, tag);
    const kind = tag === "curStatus" ? "status" : ref && tag !== NAME ? "ref" : "";
    if ((inner?.className ?? "") !== kind) {
      inner = kind === "status" ? element("span", { class: "status" }) : null;
      if (kind === "ref") inner = makeLink(handlers);
      cell.replaceChildren(...(inner ? [inner] : []));
    }
    if (ref && inner instanceof HTMLAnchorElement) {
      inner.href = handlers.hrefOf(ref.val);
      inner.dataset.id = ref.val;
    }
    markStatus(row.record, tag, cell, inner);
    if (tag !== "curStatus") cell.title = text;
    return setText(inner ?? cell, text);
  };
  return { tag, element: cell, fill };
}

/**
 * @param {Rec} record
 * @param {string} tag
 * @param {HTMLElement} cell
 * @param {HTMLElement | null} inner
 */
function markStatus(record, tag, cell, inner) {
  if (tag !== "curStatus" && tag !== "curVal") return;
  const { status } = statusOf(record);
  if (tag === "curVal") cell.dataset.status = status;
  else if (inner) {
    inner.dataset.status = status;
    cell.title = staleText(record);
  }
}

/** @param {Handlers} handlers */
function makeLink({ onSelect }) {
  const link = element("a", { class: "ref" });
  link.addEventListener("click", (event) => {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onSelect(link.dataset.id ?? "");
  });
  return link;
}
