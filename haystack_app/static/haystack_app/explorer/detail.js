/**
 * Panel for one record, or for several points on one chart.
 *
 * It has a watch of its own, so that it stays when the filter changes.
 *
 * @module
 */

import { arrange, byId, element, flash, setText } from "./elements.js";
import { ageText, statusOf } from "./freshness.js";
import { History } from "./history.js";
import { Override } from "./override.js";
import { isMarker, nameOf, textOf } from "./values.js";

/** @import { Live, Rec, Watch } from "../live.js" */
/** @import { View } from "./address.js" */

/**
 * @typedef {object} Handlers
 * @property {() => void} onDismiss The user closed the panel.
 * @property {(range: string) => void} onRange
 * @property {(zone: View["zone"]) => void} onZone
 * @property {(id: string) => void} onRemove A point is taken off the chart.
 * @property {(record: Rec) => void} onChart The points of a site or equip are wanted.
 */

export class Detail {
  /** @type {string[]} Ids of what is open; empty if the panel is closed. */
  ids = [];
  /** @type {Watch | null} */
  #watch = null;
  /** @type {View | null} */
  #view = null;
  #isDrawn = false;
  /** @type {Map<string, {row: HTMLElement, cell: HTMLElement}>} Table rows by tag. */
  #tags = new Map();

  #panel = byId("detail", HTMLElement);
  #name = byId("detail-name", HTMLElement);
  #recordId = byId("detail-id", HTMLElement);
  #value = byId("detail-value", HTMLElement);
  #age = byId("detail-age", HTMLElement);
  #chartPoints = byId("chart-points", HTMLButtonElement);
  #one = byId("detail-one", HTMLElement);
  #markers = byId("detail-markers", HTMLElement);
  #tagRows = byId("tags", HTMLTableSectionElement);

  /**
   * @param {Live} live
   * @param {{mayWrite: boolean, user: string}} login
   * @param {Handlers} handlers
   */
  constructor(live, login, handlers) {
    this.live = live;
    this.handlers = handlers;
    const call = live.call.bind(live);
    this.history = new History(call, handlers);
    this.override = new Override(call, login);
    byId("detail-close", HTMLElement).addEventListener("click", handlers.onDismiss);
    const wide = byId("detail-wide", HTMLButtonElement);
    wide.addEventListener("click", () => {
      const isWide = document.body.classList.toggle("with-wide-detail");
      wide.setAttribute("aria-pressed", String(isWide));
    });
    this.#chartPoints.addEventListener("click", () => {
      const record = this.#record();
      if (record) handlers.onChart(record);
    });
  }

  /**
   * @param {View} view
   * @param {Rec} [known] The record, if the page has it already.
   */
  show(view, known) {
    this.#view = view;
    const isSame = view.ids.join() === this.ids.join();
    if (isSame && this.#watch?.records.size) this.#showHistory();
    if (isSame) return;
    const wasOpen = this.ids.length > 0;
    this.#stop();
    this.ids = view.ids;
    if (!this.ids.length) return;
    this.#panel.hidden = false;
    this.#panel.scrollTop = 0;
    this.#clear(view.ids);
    if (known) this.#fill(known);
    if (!wasOpen || view.ids.length < 2) this.#name.focus();
    this.#watch = this.live.watch(
      { ids: view.ids, dis: "explorer: chart" },
      {
        onRecords: () => this.#update(),
        onEnd: (reason) => setText(this.#age, reason),
      },
    );
  }

  close() {
    this.#stop();
    this.#panel.hidden = true;
  }

  /** The connection is back: samples may have been missed. */
  refresh() {
    if (!this.ids.length) return;
    this.history.load();
    this.override.refresh();
  }

  #stop() {
    this.#watch?.close();
    this.#watch = null;
    this.ids = [];
    this.history.clear();
    this.override.clear();
  }

  /** @returns {Rec | undefined} The record that is open, if it is only one. */
  #record() {
    return this.ids.length === 1
      ? this.#watch?.records.get(this.ids[0] ?? "")
      : undefined;
  }

  /** @param {string[]} ids */
  #clear(ids) {
    this.#isDrawn = false;
    this.#tags.clear();
    this.#tagRows.replaceChildren();
    this.#markers.replaceChildren();
    delete this.#markers.dataset.names;
    this.#chartPoints.hidden = true;
    this.#one.hidden = ids.length > 1;
    setText(this.#name, ids.length > 1 ? `${ids.length} points` : `@${ids[0]}`);
    setText(this.#recordId, "");
    setText(this.#value, "");
    setText(this.#age, "");
  }

  #update() {
    const records = this.#watch?.records;
    if (!records) return;
    const record = this.#record();
    const isNew = !this.#isDrawn;
    if (!records.size) setText(this.#age, "It does not exist, or you may not see it.");
    if (record) this.#fill(record);
    if (record && isNew) this.override.show(record);
    else if (record) this.override.update(record);
    if (isNew) this.#showHistory();
    else for (const one of records.values()) this.history.update(one);
    this.#isDrawn = true;
  }

  #showHistory() {
    const records = this.ids.flatMap((id) => this.#watch?.records.get(id) ?? []);
    if (this.#view) this.history.show(records, this.#view);
  }

  /** @param {Rec} record */
  #fill(record) {
    setText(this.#name, nameOf(record));
    setText(this.#recordId, `@${record.id.val}`);
    this.#chartPoints.hidden = !("equip" in record || "site" in record);
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
  #fillValue(record) {
    const { status, since } = statusOf(record);
    const isChanged = setText(this.#value, textOf(record.curVal));
    if (isChanged && this.#isDrawn) flash(this.#value);
    this.#value.dataset.status = status;
    const age = Number.isNaN(since)
      ? ""
      : `Stale: this value is ${ageText(Date.now() - since)} old.`;
    setText(this.#age, age || (status && status !== "ok" ? `Status: ${status}` : ""));
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
