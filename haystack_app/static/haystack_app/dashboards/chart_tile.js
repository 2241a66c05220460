/**
 * A chart of the points that match.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { saveCsv } from "../charts/exports.js";
import { Legend } from "../charts/legend.js";
import { rangeOf } from "../charts/ranges.js";
import { SampleTable } from "../charts/sample_table.js";
import { MOST_POINTS } from "../charts/track.js";
import { Trend } from "../charts/trend.js";
import { element } from "../shared/elements.js";
import { nameOf } from "../shared/values.js";

/** @import { Rec } from "../live.js" */
/** @import { Tile } from "./content.js" */
/** @import { Page } from "./tile.js" */

export class ChartTile {
  #explained = element("p", { class: "note" });
  #note = element("p", { class: "note", role: "status" });
  #frame = element("div", {
    class: "chart",
    role: "slider",
    tabindex: "0",
    "aria-valuemin": "0",
    "aria-valuemax": "0",
    "aria-valuenow": "0",
    "aria-label": gettext("Chart"),
    hidden: "",
  });

  /**
   * @param {Tile} _
   * @param {Page} page
   */
  constructor(_, page) {
    this.page = page;
    const { table, legend } = makeLegend();
    const details = element("details", { class: "menu as-table", hidden: "" });
    const csv = element("button", {
      type: "button",
      text: "CSV",
      hidden: "",
      click: () => saveCsv(this.trend.drawn, this.trend.span(), this.trend.zone()),
    });
    this.tools = [details, csv];
    const scroll = element(
      "div",
      {
        class: "scroll-x legend",
        role: "group",
        tabindex: "0",
        "aria-label": gettext("Values of the chart"),
        hidden: "",
      },
      table,
    );
    this.root = element(
      "div",
      { class: "body" },
      this.#explained,
      this.#note,
      this.#frame,
      scroll,
    );
    const parts = {
      frame: this.#frame,
      note: this.#note,
      legend,
      table: new SampleTable(details),
    };
    this.trend = new Trend(
      page.call,
      parts,
      {
        onSpan: (span) => page.onRange(rangeOf(span)),
        onRange: page.onRange,
        onDrawn: (isEmpty) => {
          csv.hidden = scroll.hidden = isEmpty;
        },
      },
      true,
    );
  }

  /**
   * @param {Map<string, Rec>} records
   * @param {Rec[]} changed
   */
  update(records, changed) {
    const points = [...records.values()].filter(
      (record) => "his" in record && "kind" in record,
    );
    points.sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }));
    const shown = points.slice(0, MOST_POINTS);
    if (shown[0]) this.page.onZone(shown[0]);
    this.#explained.textContent = explanation(points.length, records.size);
    const isSame = this.trend.has(shown);
    if (isSame) for (const record of changed) this.trend.update(record);
    else this.#show(shown);
  }

  follow() {
    const shown = this.page.shown();
    if (this.trend.isShown(shown)) this.trend.load();
    else this.#show(this.trend.points);
  }

  close() {
    this.trend.clear();
  }

  /** @param {string} reason */
  explain(reason) {
    this.#explained.textContent = reason;
  }

  /** @param {Rec[]} points */
  #show(points) {
    this.trend.show(points, this.page.shown());
    this.trend.title = this.page.rangeTitle();
  }
}

/**
 * @param {number} count Points with a history.
 * @param {number} matches
 */
function explanation(count, matches) {
  if (count > MOST_POINTS)
    return gettext("The first %(count)s of %(total)s points.", {
      count: MOST_POINTS,
      total: count,
    });
  if (count) return "";
  return matches
    ? gettext("None of the matches has a history.")
    : gettext("Nothing matches.");
}

function makeLegend() {
  const body = element("tbody");
  const point = element("th", { scope: "col", text: gettext("Point") });
  const head = element("th", { scope: "col", class: "number", text: gettext("Last") });
  const others = [gettext("Min"), gettext("Max"), gettext("Avg")].map((text) =>
    element("th", { scope: "col", class: "number", text }),
  );
  const row = element("tr", {}, point, head, ...others);
  const table = element("table", {}, element("thead", {}, row), body);
  return { table, legend: new Legend({ body, head, point }) };
}
