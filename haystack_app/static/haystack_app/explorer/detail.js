/**
 * Panel for one record: its value, its history today and all its tags.
 *
 * @module
 */

import { HistoryChart } from "./chart.js";
import { arrange, byId, element, flash, setText } from "./elements.js";
import { isMarker, nameOf, textOf } from "./values.js";

/** @import { Live, Rec } from "../live.js" */

export class Detail {
  /** Id of the record that is open; empty if the panel is closed. */
  id = "";
  #isDrawn = false;
  /** @type {Map<string, {row: HTMLElement, cell: HTMLElement}>} Table rows by tag. */
  #tags = new Map();

  #panel = byId("detail", HTMLElement);
  #name = byId("detail-name", HTMLElement);
  #recordId = byId("detail-id", HTMLElement);
  #value = byId("detail-value", HTMLElement);
  #markers = byId("detail-markers", HTMLElement);
  #tagRows = byId("tags", HTMLTableSectionElement);

  /**
   * @param {Live["call"]} call
   * @param {() => void} onClose
   * @param {(id: string) => void} onDismiss The user closed the panel.
   */
  constructor(call, onClose, onDismiss) {
    this.onClose = onClose;
    this.onDismiss = onDismiss;
    this.chart = new HistoryChart(
      byId("chart", HTMLElement),
      byId("chart-note", HTMLElement),
      call,
    );
    byId("detail-close", HTMLElement).addEventListener("click", () => this.#dismiss());
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.id) this.#dismiss();
    });
  }

  /** @param {Rec} record */
  open(record) {
    this.id = record.id.val;
    this.#panel.hidden = false;
    this.#panel.scrollTop = 0;
    this.#tags.clear();
    this.#isDrawn = false;
    this.#fill(record);
    this.#isDrawn = true;
    this.#name.focus();
    this.chart.show(record);
  }

  /** @param {Rec} record */
  update(record) {
    this.#fill(record);
    this.chart.extend(record);
  }

  close() {
    this.id = "";
    this.#panel.hidden = true;
    this.chart.clear();
    this.onClose();
  }

  /** The connection is back: samples may have been missed. */
  refresh() {
    if (this.id) this.chart.load();
  }

  #dismiss() {
    const { id } = this;
    this.close();
    this.onDismiss(id);
  }

  /** @param {Rec} record */
  #fill(record) {
    setText(this.#name, nameOf(record));
    setText(this.#recordId, `@${this.id}`);
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

  /** @param {Rec} record */
  #fillValue({ curVal, curStatus }) {
    const isChanged = setText(this.#value, textOf(curVal));
    if (isChanged && this.#isDrawn) flash(this.#value);
    this.#value.dataset.status = textOf(curStatus);
  }

  /** @param {string[]} names */
  #fillMarkers(names) {
    const joined = names.join(" ");
    if (this.#markers.dataset.names === joined) return;
    this.#markers.dataset.names = joined;
    this.#markers.replaceChildren(...names.map((text) => element("span", { text })));
  }

  /**
   * @param {Rec} record
   * @param {string[]} names
   */
  #fillTags(record, names) {
    const rows = names.map((name) => {
      const tag = this.#tags.get(name) ?? this.#addTag(name);
      const isChanged = setText(tag.cell, textOf(record[name]));
      if (isChanged && this.#isDrawn) flash(tag.cell);
      return tag.row;
    });
    arrange(this.#tagRows, rows);
  }

  /** @param {string} name */
  #addTag(name) {
    const cell = element("td");
    const row = element("tr", {}, element("th", { scope: "row", text: name }), cell);
    const tag = { row, cell };
    this.#tags.set(name, tag);
    return tag;
  }
}
