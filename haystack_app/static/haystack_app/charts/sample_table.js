/**
 * What a chart shows as a table, for people that do not see it.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";
import { momentIn } from "../shared/zones.js";
import { tableOf } from "./csv.js";

/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const MOST_ROWS = 500;

export class SampleTable {
  /** @type {Track[]} */
  #tracks = [];
  /** @type {Span} */
  #span = { start: 0, end: 1 };
  #zone = "UTC";

  /** @param {HTMLDetailsElement} details It is filled while it is open. */
  constructor(details) {
    this.details = details;
    this.body = element("div", {
      class: "scroll-x",
      role: "group",
      tabindex: "0",
      "aria-label": gettext("Values that are drawn"),
    });
    details.replaceChildren(element("summary", { text: gettext("Table") }), this.body);
    details.addEventListener("toggle", () => this.#fill());
  }

  /**
   * @param {Track[]} tracks
   * @param {Span} span
   * @param {string} zone
   */
  draw(tracks, span, zone) {
    this.#tracks = tracks;
    this.#span = span;
    this.#zone = zone;
    this.details.hidden = !tracks.length;
    this.#fill();
  }

  #fill() {
    if (!this.details.open) return;
    const { head, rows } = tableOf(this.#tracks, this.#span);
    const shown = rows.slice(0, MOST_ROWS);
    const text =
      rows.length > MOST_ROWS
        ? gettext("The first %(count)s of %(total)s moments; the CSV has all.", {
            count: MOST_ROWS,
            total: rows.length,
          })
        : "";
    this.body.replaceChildren(
      element("p", { class: "note", text }),
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element("tr", {}, ...[gettext("Time"), ...head].map(headCell)),
        ),
        element("tbody", {}, ...shown.map((row) => this.#row(row, head.length))),
      ),
    );
  }

  /**
   * @param {{at: number, cells: string[]}} row
   * @param {number} count Of columns.
   */
  #row({ at, cells }, count) {
    const time = momentIn(at * 1000, this.#zone);
    const texts = Array.from({ length: count }, (_, index) => cells[index] ?? "");
    return element(
      "tr",
      {},
      element("th", { scope: "row", text: time }),
      ...texts.map((text) => element("td", { class: "number", text })),
    );
  }
}

/** @param {string} text */
const headCell = (text) => element("th", { scope: "col", text });
