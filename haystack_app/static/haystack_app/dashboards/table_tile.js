/**
 * A table of what matches, with live values.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { arrange, element, flash, setText } from "../shared/elements.js";
import { statusOf } from "../shared/freshness.js";
import { valueText } from "../shared/units.js";
import { explorerUrl } from "../shared/urls.js";
import { nameOf } from "../shared/values.js";
import { commonStart } from "../charts/track.js";

/** @import { Rec } from "../live.js" */
/** @import { Tile } from "./content.js" */
/** @import { Page } from "./tile.js" */

const MOST_ROWS = 200;
const COLUMNS = ["curVal", "curStatus"];
/** @type {Record<string, string>} */
const HEADS = {
  curVal: gettext("Value"),
  curStatus: gettext("Status"),
  writeVal: gettext("Written"),
};

/** @typedef {{row: HTMLElement, name: HTMLElement, cells: HTMLElement[]}} Row */

export class TableTile {
  /** @type {HTMLElement[]} */
  tools = [];
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Map<string, Rec>} */
  #records = new Map();
  #isDrawn = false;
  #body = element("tbody");
  #note = element("p", { class: "note" });
  #head = element("th", { scope: "col", text: gettext("Name") });

  /**
   * @param {Tile} tile
   * @param {Page} page
   */
  constructor({ columns }, page) {
    this.page = page;
    this.columns = columns?.length ? columns : COLUMNS;
    const heads = this.columns.map((name) =>
      element("th", { scope: "col", class: "number", text: HEADS[name] ?? name }),
    );
    const table = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, this.#head, ...heads)),
      this.#body,
    );
    const scroll = element(
      "div",
      {
        class: "scroll-x rows",
        role: "group",
        tabindex: "0",
        "aria-label": gettext("Values"),
      },
      table,
    );
    this.root = element("div", { class: "body" }, this.#note, scroll);
  }

  /**
   * @param {Map<string, Rec>} records
   * @param {Rec[]} changed
   */
  update(records, changed) {
    this.#records = records;
    const isKnown = changed.every(({ id }) => this.#rows.has(id.val));
    if (this.#isDrawn && isKnown && records.size === this.#rows.size)
      for (const record of changed) this.#fill(record, true);
    else this.#draw();
  }

  follow() {
    for (const record of this.#records.values())
      if (this.#rows.has(record.id.val)) this.#fill(record, false);
  }

  close() {
    this.#rows.clear();
  }

  /** @param {string} reason */
  explain(reason) {
    this.#note.textContent = reason;
  }

  #draw() {
    this.#isDrawn = true;
    const all = [...this.#records.values()];
    const named = all.map((record) => ({ record, name: nameOf(record) }));
    named.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const shown = named.slice(0, MOST_ROWS);
    const prefix = commonStart(shown.map(({ name }) => name));
    setText(this.#head, prefix.trim() || gettext("Name"));
    const rows = shown.map(({ record, name }) => {
      const row = this.#rows.get(record.id.val) ?? this.#make(record);
      setText(row.name, name.slice(prefix.length));
      return [record.id.val, row];
    });
    this.#rows = new Map(/** @type {[string, Row][]} */ (rows));
    arrange(
      this.#body,
      [...this.#rows.values()].map(({ row }) => row),
    );
    for (const { record } of shown) this.#fill(record, false);
    this.#note.textContent = all.length
      ? all.length > MOST_ROWS
        ? gettext("The first %(count)s of %(total)s matches.", {
            count: MOST_ROWS,
            total: all.length,
          })
        : ""
      : gettext("Nothing matches.");
  }

  /** @param {Rec} record */
  #make(record) {
    const href = explorerUrl(this.page.project, { id: record.id.val });
    const name = element("a", { href });
    const cells = this.columns.map((column) =>
      element("td", { class: column === "curStatus" ? "state number" : "number" }),
    );
    const head = element("th", { scope: "row" }, name);
    return { row: element("tr", {}, head, ...cells), name, cells };
  }

  /**
   * @param {Rec} record
   * @param {boolean} isNews Whether changes are highlighted.
   */
  #fill(record, isNews) {
    const { status } = statusOf(record);
    for (const [index, column] of this.columns.entries()) {
      const cell = this.#rows.get(record.id.val)?.cells[index];
      if (!cell) continue;
      if (column === "curStatus") fillStatus(cell, status);
      else if (setText(cell, valueText(record[column])) && isNews) flash(cell);
    }
  }
}

/**
 * @param {HTMLElement} cell
 * @param {string} status
 */
function fillStatus(cell, status) {
  const shown = cell.firstElementChild ?? cell.appendChild(element("span"));
  if (!(shown instanceof HTMLElement)) return;
  shown.className = "status";
  shown.dataset.status = status;
  setText(shown, status);
}
