/**
 * The table below a chart: last value, least, greatest and average of each point.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { arrange, element, setText } from "../shared/elements.js";
import { dashIndex } from "./bands.js";
import { commonStart, sampleAt, sampleText, shareOfTrue, statsOf } from "./track.js";
import { numberText } from "../shared/values.js";
import { momentIn } from "../shared/zones.js";

/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

export class Legend {
  /** @type {Track[]} */
  #tracks = [];
  #zone = "UTC";
  /** @type {number | null} Seconds since 1970; null while nothing is pointed at. */
  #cursor = null;
  /** @type {Map<string, ReturnType<typeof makeRow>>} */
  #rows = new Map();

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.body Rows of points.
   * @param {HTMLElement} parts.head Of the column of values.
   * @param {HTMLElement} parts.point Head of the column of names.
   * @param {(id: string) => void} [onRemove] A point is taken off the chart.
   */
  constructor({ body, head, point }, onRemove) {
    this.body = body;
    this.head = head;
    this.point = point;
    this.onRemove = onRemove;
  }

  /**
   * @param {Track[]} tracks
   * @param {Span} span
   * @param {string} zone
   */
  draw(tracks, span, zone) {
    this.#tracks = tracks;
    this.#zone = zone;
    const prefix = commonStart(tracks.map(({ name }) => name));
    setText(this.point, prefix.trim() || gettext("Point"));
    const count = tracks.filter(({ isGhost }) => !isGhost).length;
    const isAlone = this.onRemove && tracks.length < 2;
    const rows = tracks.map((track) => {
      const row = this.#rows.get(track.id) ?? makeRow(track, this.onRemove);
      this.#rows.set(track.id, row);
      row.swatch.dataset.line = String(track.line % 8);
      row.swatch.dataset.dash = track.isGhost ? "ghost" : String(dashIndex(track.line));
      row.remove.hidden = !this.onRemove || track.isGhost || count < 2;
      // the panel of a single point has its name as the heading
      setText(row.name, isAlone ? gettext("Value") : track.name.slice(prefix.length));
      fillStats(row, track, span);
      return row.row;
    });
    arrange(this.body, rows);
    this.#fillValues();
  }

  /**
   * @param {number | null} seconds Since 1970: the moment that is pointed at.
   * @returns {string} What is read there.
   */
  read(seconds) {
    this.#cursor = seconds;
    return this.#fillValues();
  }

  #fillValues() {
    const at = this.#cursor;
    const moment = at === null ? "" : momentIn(at * 1000, this.#zone);
    setText(this.head, moment || gettext("Last"));
    const texts = this.#tracks.map((track) => {
      const last = track.times.length - 1;
      const index = at === null ? last : sampleAt(track, at);
      const text = index < 0 ? "–" : textAt(track, index, at === null);
      const cell = this.#rows.get(track.id)?.value;
      if (cell) setText(cell, text);
      return `${track.name} ${text}`;
    });
    return moment && `${moment}: ${texts.join(", ")}`;
  }
}

/**
 * @param {Track} track
 * @param {(id: string) => void} [onRemove]
 */
function makeRow({ id, name: text }, onRemove) {
  const swatch = element("span", { class: "swatch" });
  const name = element("span");
  const value = element("td", { class: "number reading" });
  const min = element("td", { class: "number" });
  const max = element("td", { class: "number" });
  const average = element("td", { class: "number" });
  const remove = element("button", {
    type: "button",
    "aria-label": gettext("Take %(name)s off the chart", { name: text }),
    text: "✕",
    click: () => onRemove?.(id),
  });
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, swatch, name),
    value,
    min,
    max,
    average,
    element("td", {}, remove),
  );
  return { row, swatch, name, value, min, max, average, remove };
}

/**
 * @param {Track} track
 * @param {number} index
 * @param {boolean} isEnd Whether the newest sample is wanted and not an average.
 */
const textAt = (track, index, isEnd) =>
  isEnd && track.rolled ? track.rolled.end : sampleText(track, index);

/**
 * @param {ReturnType<typeof makeRow>} row
 * @param {Track} track
 * @param {Span} span
 */
function fillStats({ min, max, average }, track, span) {
  if (track.style === "band") {
    const share = track.words[0] === false && !track.all ? shareOfTrue(track) : NaN;
    setText(min, "");
    setText(max, "");
    setText(
      average,
      Number.isNaN(share) ? "" : `${track.labels[1]} ${numberText(share * 100, "%")}`,
    );
    return;
  }
  const stats = statsOf(track, span.start / 1000, span.end / 1000);
  const text = (/** @type {number} */ value) =>
    Number.isNaN(value) ? "" : numberText(value, track.unit);
  setText(min, text(stats.min));
  setText(max, text(stats.max));
  const mean = text(stats.average);
  setText(average, mean && track.all && !track.all.isExact ? `≈ ${mean}` : mean);
}
