/**
 * The samples of a chart as CSV, for spreadsheets.
 *
 * @module
 */

import { shownOf } from "./track.js";
import { isNa, textOf, withoutUnit } from "./values.js";
import { isoIn } from "./zones.js";

/** @import { Hayson } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

/** What spreadsheets run as a formula if a cell begins with it. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * A row for each moment, a column for each point.
 *
 * @param {Track[]} tracks
 * @param {Span} span The samples of which are wanted.
 * @param {string} zone Of the times, which have their offset.
 * @returns {string}
 */
export function csvOf(tracks, { start, end }, zone) {
  /** @type {Map<number, (Hayson | undefined)[]>} */
  const rows = new Map();
  for (const [column, track] of tracks.entries()) {
    const shown = shownOf(track, start / 1000, end / 1000);
    for (const [index, at] of track.times.slice(...shown).entries()) {
      const row = rows.get(at) ?? [];
      row[column] = track.raw[shown[0] + index];
      rows.set(at, row);
    }
  }
  const head = tracks.map(({ name, unit }) => (unit ? `${name} (${unit})` : name));
  const lines = [...rows.entries()]
    .sort(([a], [b]) => a - b)
    .map(([at, row]) => [
      isoIn(Math.round(at * 1000), zone),
      ...tracks.map((_, column) => cellOf(row[column])),
    ]);
  return [["ts", ...head.map(quoted)], ...lines]
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("");
}

/**
 * @param {Hayson | undefined} value
 * @returns {string}
 */
function cellOf(value) {
  if (value == null) return "";
  if (isNa(value)) return "NA";
  const plain = withoutUnit(value);
  return typeof plain === "number" ? String(plain) : quoted(textOf(value));
}

/** @param {string} text */
function quoted(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
