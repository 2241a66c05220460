/**
 * Panel for one record, or for several points on one chart.
 *
 * It has a watch of its own, so that it stays when the filter changes.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { arrange, byId, element, flash, setText } from "../shared/elements.js";
import { ageText, statusOf } from "../shared/freshness.js";
import { History } from "./history.js";
import { laterPart } from "./later.js";
import { Override } from "./override.js";
import { TagEditor } from "./tag_editor.js";
import { valueText } from "../shared/units.js";
import { isMarker, nameOf, textOf } from "../shared/values.js";

/** @import { Live, Rec, Watch } from "../live.js" */
/** @import { View } from "./address.js" */
/** @import { Part } from "./later.js" */
/** @import { Rights } from "./rights.js" */

/**
 * @typedef {object} Handlers
 * @property {() => void} onDismiss The user closed the panel.
 * @property {(range: string) => void} onRange
 * @property {(zone: View["zone"]) => void} onZone
 * @property {(comparison: View["comparison"]) => void} onCompare
 * @property {(id: string) => void} onRemove A point is taken off the chart.
 * @property {(record: Rec) => void} onChart The points of a site or equip are wanted.
 * @property {(id: string) => void} onAdd Something is to be added to an entity.
 * @property {(id: string) => void} onSelect Another record is to be opened.
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
  /** @type {Part[]} What can be done with a record, beside its tags. */
  #parts;

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
   * @param {{may: Rights, user: string}} login
   * @param {Handlers} handlers
   */
  constructor(live, login, handlers) {
    this.live = live;
    this.handlers = handlers;
    const call = live.call.bind(live);
    this.history = new History(call, handlers);
    this.override = new Override(call, login);
    const mayChange = login.may.has("change_entity");
    this.editor = new TagEditor(mayChange, () => this.#redraw());
    const chart = {
      span: () => this.history.trend.span(),
      zone: () => this.history.trend.zone(),
      reload: () => this.history.load(),
    };
    const mayEdit = login.may.has("write_history");
    const ofTrees = { onAdd: handlers.onAdd, onCopied: handlers.onSelect };
    this.#parts = [
      laterPart(async () => {
        const { ChangeList } = await import("./change_list.js");
        return new ChangeList(mayChange);
      }),
      laterPart(async () => {
        const { SampleEditor } = await import("./sample_editor.js");
        return new SampleEditor(call, mayEdit, chart);
      }),
      laterPart(async () => {
        const { TreeForm } = await import("./tree_form.js");
        return new TreeForm(call, login.may, ofTrees);
      }),
      laterPart(async () => {
        const { Removal } = await import("./removal.js");
        return new Removal(call, login.may, handlers.onDismiss);
      }),
    ];
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
    this.editor.clear();
    for (const part of this.#parts) part.clear();
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
    this.#clearTags();
    this.#chartPoints.hidden = true;
    this.#one.hidden = ids.length > 1;
    setText(
      this.#name,
      ids.length > 1
        ? gettext("%(count)s points", { count: ids.length })
        : `@${ids[0]}`,
    );
    setText(this.#recordId, "");
    setText(this.#value, "");
    setText(this.#age, "");
  }

  #clearTags() {
    this.#tags.clear();
    this.#tagRows.replaceChildren();
    this.#markers.replaceChildren();
    delete this.#markers.dataset.names;
  }

  /** Units were chosen. */
  showUnits() {
    const record = this.#record();
    if (record) this.#fillValue(record);
  }

  /** The buttons of the tags are others. */
  #redraw() {
    const record = this.#record();
    this.#clearTags();
    if (record) this.#fill(record);
  }

  #update() {
    const records = this.#watch?.records;
    if (!records) return;
    const record = this.#record();
    const isNew = !this.#isDrawn;
    if (!records.size)
      setText(this.#age, gettext("It does not exist, or you may not see it."));
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
    this.editor.update(record);
    for (const part of this.#parts) part.update(record);
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
    const isChanged = setText(this.#value, valueText(record.curVal));
    if (isChanged && this.#isDrawn) flash(this.#value);
    this.#value.dataset.status = status;
    const age = Number.isNaN(since)
      ? ""
      : gettext("Stale: this value is %(age)s old.", {
          age: ageText(Date.now() - since),
        });
    const isOk = !status || status === "ok";
    setText(this.#age, age || (isOk ? "" : gettext("Status: %(status)s", { status })));
  }

  /** @param {string[]} names */
  #fillMarkers(names) {
    const joined = names.join(" ");
    if (this.#markers.dataset.names === joined) return;
    this.#markers.dataset.names = joined;
    const marker = (/** @type {string} */ text) =>
      element("span", { text }, ...this.editor.buttons(text).slice(1));
    this.#markers.replaceChildren(...names.map(marker));
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
    const buttons = element("td", { class: "edit" }, ...this.editor.buttons(name));
    const head = element("th", { scope: "row", text: name });
    const row = element("tr", {}, head, cell, buttons);
    const tag = { row, cell };
    this.#tags.set(name, tag);
    return tag;
  }
}
