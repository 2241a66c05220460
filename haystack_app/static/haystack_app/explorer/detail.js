/**
 * One record beside the table: its value, its history of today, all its tags.
 *
 * @module
 */

import { HistoryChart } from "./chart.js";
import { arrange, byId, element, flash, setText } from "./elements.js";
import { isMarker, nameOf, textOf } from "./values.js";

export class Detail {
  /** @type {Map<string, {row: any, cell: any}>} Rows of the table of tags. */
  #tags = new Map();
  id = "";
  #isDrawn = false;

  /**
   * @param {(op: string, grid: any) => Promise<any>} call
   * @param {() => void} onClose
   * @param {(id: string) => void} onDismiss Somebody closed it, and goes on from there.
   */
  constructor(call, onClose, onDismiss) {
    this.panel = byId("detail");
    this.onClose = onClose;
    this.onDismiss = onDismiss;
    this.chart = new HistoryChart(byId("chart"), byId("chart-note"), call);
    byId("detail-close").addEventListener("click", () => this.#dismiss());
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.id) this.#dismiss();
    });
  }

  /** @param {Record<string, any>} record */
  open(record) {
    this.id = record.id.val;
    this.panel.hidden = false;
    this.panel.scrollTop = 0;
    this.#tags.clear();
    this.#isDrawn = false;
    this.#fill(record);
    this.#isDrawn = true;
    byId("detail-name").focus();
    this.chart.show(record);
  }

  /** @param {Record<string, any>} record */
  update(record) {
    this.#fill(record);
    this.chart.extend(record);
  }

  close() {
    this.id = "";
    this.panel.hidden = true;
    this.chart.clear();
    this.onClose();
  }

  /** There is a connection again: samples may have been missed. */
  refresh() {
    if (this.id) this.chart.load();
  }

  #dismiss() {
    const { id } = this;
    this.close();
    this.onDismiss(id);
  }

  /** @param {Record<string, any>} record */
  #fill(record) {
    setText(byId("detail-name"), nameOf(record));
    setText(byId("detail-id"), `@${this.id}`);
    this.#fillValue(record);
    const names = Object.keys(record)
      .filter((name) => name !== "id")
      .sort();
    this.#fillMarkers(names.filter((name) => isMarker(record[name])));
    this.#fillTags(
      record,
      names.filter((name) => !isMarker(record[name])),
    );
  }

  /** @param {Record<string, any>} record */
  #fillValue({ curVal, curStatus }) {
    const value = byId("detail-value");
    const isOther = setText(value, textOf(curVal));
    if (isOther && this.#isDrawn) flash(value);
    value.dataset.status = textOf(curStatus);
  }

  /** @param {string[]} names */
  #fillMarkers(names) {
    const shown = byId("detail-markers");
    if (shown.dataset.names === names.join(" ")) return;
    shown.dataset.names = names.join(" ");
    shown.replaceChildren(...names.map((text) => element("span", { text })));
  }

  /**
   * @param {Record<string, any>} record
   * @param {string[]} names
   */
  #fillTags(record, names) {
    const rows = names.map((name) => {
      const tag = this.#tags.get(name) ?? this.#tag(name);
      const isOther = setText(tag.cell, textOf(record[name]));
      if (isOther && this.#isDrawn) flash(tag.cell);
      return tag.row;
    });
    arrange(byId("detail-tags").tBodies[0], rows);
  }

  /** @param {string} name */
  #tag(name) {
    const cell = element("td");
    const row = element("tr", {}, element("th", { scope: "row", text: name }), cell);
    const made = { row, cell };
    this.#tags.set(name, made);
    return made;
  }
}
