/**
 * What a chart shows as files: the samples as CSV, the picture as PNG.
 *
 * @module
 */

import { color, lineColor } from "./bands.js";
import { element } from "./elements.js";
import { isNa, textOf, withoutUnit } from "./values.js";
import { isoIn } from "./zones.js";

/** @import { Hayson } from "../live.js" */
/** @import { Track } from "./track.js" */

const BYTE_ORDER_MARK = "\uFEFF";
/** What spreadsheets run as a formula if a cell begins with it. */
const FORMULA = /^[=+\-@\t\r]/;
const LINE = 22;
const MARGIN = 14;

/**
 * A row for each moment, a column for each point.
 *
 * @param {Track[]} tracks
 * @param {string} zone Of the times, which have their offset.
 * @returns {string}
 */
export function csvOf(tracks, zone) {
  /** @type {Map<number, (Hayson | undefined)[]>} */
  const rows = new Map();
  for (const [column, { times, raw }] of tracks.entries()) {
    for (const [index, at] of times.entries()) {
      const row = rows.get(at) ?? [];
      row[column] = raw[index];
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
 * @param {Track[]} tracks
 * @param {string} zone
 */
export function saveCsv(tracks, zone) {
  const text = BYTE_ORDER_MARK + csvOf(tracks, zone);
  save(new Blob([text], { type: "text/csv" }), "chart.csv");
}

/**
 * The picture with the names of its lines.
 *
 * @param {HTMLCanvasElement} chart
 * @param {Track[]} tracks
 * @param {string} title
 */
export function savePng(chart, tracks, title) {
  const ratio = devicePixelRatio;
  const head = (tracks.length + 1) * LINE + MARGIN;
  const canvas = element("canvas");
  canvas.width = chart.width;
  canvas.height = chart.height + head * ratio;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.fillStyle = color("--card");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(chart, 0, head * ratio);
  context.scale(ratio, ratio);
  context.font = "14px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = color("--text");
  context.fillText(title, MARGIN, MARGIN + LINE / 2);
  for (const [index, { name, unit }] of tracks.entries()) {
    const y = MARGIN + (index + 1.5) * LINE;
    context.fillStyle = lineColor(index);
    context.fillRect(MARGIN, y - 2, 18, 4);
    context.fillStyle = color("--text");
    context.fillText(unit ? `${name} (${unit})` : name, MARGIN + 26, y);
  }
  canvas.toBlob((blob) => blob && save(blob, "chart.png"));
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

/**
 * @param {Blob} content
 * @param {string} name
 */
function save(content, name) {
  const href = URL.createObjectURL(content);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
