/**
 * The history of one point or of several: range, chart, legend, files.
 *
 * @module
 */

import { STEP, ZOOM } from "../charts/chart.js";
import { Legend } from "../charts/legend.js";
import { RangeBar } from "../charts/range_bar.js";
import { moved, rangeOf, scaled } from "../charts/ranges.js";
import { SampleTable } from "../charts/sample_table.js";
import { MOST_POINTS } from "../charts/track.js";
import { Trend } from "../charts/trend.js";
import { byId } from "../shared/elements.js";
import { followUnitMenu } from "../shared/unit_menu.js";
import { onUnits } from "../shared/units.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Comparison } from "../charts/comparison.js" */
/** @import { ZoneChoice } from "../charts/range_bar.js" */
/** @import { Shown } from "../charts/trend.js" */

export class History {
  #section = byId("history", HTMLElement);

  /**
   * @param {Live["call"]} call
   * @param {object} handlers
   * @param {(range: string) => void} handlers.onRange
   * @param {(zone: ZoneChoice) => void} handlers.onZone
   * @param {(comparison: Comparison) => void} handlers.onCompare
   * @param {(id: string) => void} handlers.onRemove
   */
  constructor(call, { onRange, onZone, onCompare, onRemove }) {
    this.bar = new RangeBar({
      onRange,
      onZone,
      onCompare,
      onMove: (direction) =>
        onRange(rangeOf(moved(this.trend.span(), direction * STEP))),
      onZoom: (direction) =>
        onRange(rangeOf(scaled(this.trend.span(), direction > 0 ? ZOOM : 1 / ZOOM))),
    });
    const legend = new Legend(
      {
        body: byId("legend", HTMLTableSectionElement),
        head: byId("legend-value", HTMLElement),
        point: byId("legend-point", HTMLElement),
      },
      onRemove,
    );
    const parts = {
      frame: byId("chart", HTMLElement),
      note: byId("chart-note", HTMLElement),
      legend,
      table: new SampleTable(byId("chart-table", HTMLDetailsElement)),
    };
    this.trend = new Trend(call, parts, {
      onSpan: (span) => onRange(rangeOf(span)),
      onRange,
      onDrawn: (isEmpty) => {
        this.#section.dataset.empty = String(isEmpty);
      },
    });
    this.#followButtons();
  }

  /**
   * @param {Rec[]} records Those without a kind have no history and are left out.
   * @param {Shown} shown
   */
  show(records, { range, zone, comparison }) {
    const points = records.filter((record) => "kind" in record).slice(0, MOST_POINTS);
    this.#section.hidden = !points.length;
    this.trend.show(points, { range, zone, comparison });
    if (!points.length) return;
    const own = this.trend.ownZone();
    const [city, span] = [this.trend.city(), this.trend.span()];
    this.bar.show(range, zone, { own, city, span, comparison });
    this.trend.title = this.bar.title();
  }

  clear() {
    this.trend.clear();
    this.#section.hidden = true;
  }

  /** @param {Rec} record With a new current value. */
  update(record) {
    this.trend.update(record);
  }

  /** Request the samples again, when some may have been missed. */
  async load() {
    await this.trend.load();
  }

  #followButtons() {
    const exports = () => import("../charts/exports.js"); // few people need files
    byId("csv", HTMLElement).addEventListener("click", async () => {
      const { saveCsv } = await exports();
      saveCsv(this.trend.drawn, this.trend.span(), this.trend.zone());
    });
    byId("png", HTMLElement).addEventListener("click", async () => {
      const { savePng } = await exports();
      const { canvas } = this.trend.chart;
      if (canvas) savePng(canvas, this.trend.drawn, this.bar.title());
    });
    followUnitMenu(
      byId("units", HTMLDetailsElement),
      byId("unit-choices", HTMLElement),
    );
    onUnits(() => this.load());
  }
}
