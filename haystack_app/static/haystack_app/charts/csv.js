/**
 * The samples of a chart, and records, as CSV for spreadsheets.
 *
 * @module
 */

import { shownOf } from "./track.js";
import { isNa, textOf, withoutUnit } from "../shared/values.js";
import { isoIn } from "../shared/zones.js";

/** @import { Hayson, Rec } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

/** What spreadsheets run as a formula if a cell begins with it. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;
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
  const { head, rows } = tableOf(tracks, { start, end });
  const lines = rows.map(({ at, cells }) => [
    isoIn(Math.round(at * 1000), zone),
    ...head.map((_, column) => quoted(cells[column] ?? "")),
  ]);
  return linesOf([["ts", ...head.map(quoted)], ...lines]);
}

/**
 * Records as CSV, with their ids.
 *
 * @param {string[]} tags The other columns.
 * @param {Rec[]} records
 * @returns {string}
 */
export const csvOfRecords = (tags, records) =>
  linesOf([
    ["id", ...tags].map(quoted),
    ...records.map((record) =>
      [`@${record.id.val}`, ...tags.map((tag) => cellOf(record[tag]))].map(quoted),
    ),
  ]);

/** @param {string[][]} rows Of cells. */
const linesOf = (rows) => rows.map((cells) => `${cells.join(",")}\r\n`).join("");

/**
 * What is shown, as a table: a row for each moment; an average has three columns.
 *
 * @param {Track[]} tracks
 * @param {Span} span
 * @returns {{head: string[], rows: {at: number, cells: string[]}[]}} `at` in seconds
 *   since 1970; cells of moments without a sample are missing.
 */
export function tableOf(tracks, { start, end }) {
  /** @type {Map<number, string[]>} */
  const rows = new Map();
  /** @type {string[]} */
  const head = [];
  for (const track of tracks) {
    const first = head.length;
    head.push(...headOf(track));
    const [from, to] = shownOf(track, start / 1000, end / 1000);
    for (let index = from; index < to; index++) {
      const at = track.times[index] ?? 0;
      const cells = rows.get(at) ?? [];
      for (const [column, text] of cellsOf(track, index).entries())
        cells[first + column] = text;
      rows.set(at, cells);
    }
  }
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return { head, rows: sorted.map(([at, cells]) => ({ at, cells })) };
}

/** @param {Track} track */
function headOf({ name, unit, rolled }) {
  const names = rolled ? [`${name} avg`, `${name} min`, `${name} max`] : [name];
  return names.map((text) => (unit ? `${text} (${unit})` : text));
}

/**
 * @param {Track} track
 * @param {number} index
 */
function cellsOf(track, index) {
  const { rolled, values, raw, style } = track;
  const value = values[index];
  const text =
    style !== "band" && typeof value === "number" ? String(value) : cellOf(raw[index]);
  if (!rolled) return [text];
  return [
    text,
    ...[rolled.low[index], rolled.high[index]].map((one) =>
      one === undefined ? text : String(one),
    ),
  ];
}

/**
 * @param {Hayson | undefined} value
 * @returns {string}
 */
function cellOf(value) {
  if (value == null) return "";
  if (isNa(value)) return "NA";
  const plain = withoutUnit(value);
  return typeof plain === "number" ? String(plain) : textOf(value);
}

/** @param {string} text */
function quoted(text) {
  if (NUMBER.test(text)) return text;
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
