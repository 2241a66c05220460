/**
 * What the page shows as files: samples and records as CSV, a chart as PNG.
 *
 * @module
 */

import { color, trackColor } from "./bands.js";
import { csvOf, csvOfRecords } from "./csv.js";
import { gridOf, refOf } from "../live.js";
import { element } from "../shared/elements.js";
import { send } from "../shared/rest.js";

/** @import { Rec } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const BYTE_ORDER_MARK = "\uFEFF";
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const LINE = 22;
const MARGIN = 14;

/**
 * @param {Track[]} tracks
 * @param {Span} span
 * @param {string} zone
 */
export function saveCsv(tracks, span, zone) {
  const text = BYTE_ORDER_MARK + csvOf(tracks, span, zone);
  save(new Blob([text], { type: "text/csv" }), "chart.csv");
}

/**
 * @param {string[]} tags The columns.
 * @param {Rec[]} records
 */
export function saveRecords(tags, records) {
  const text = BYTE_ORDER_MARK + csvOfRecords(tags, records);
  save(new Blob([text], { type: "text/csv" }), "records.csv");
}

/**
 * The same as a workbook, which the server makes.
 *
 * @param {string} url Of the op read.
 * @param {string[]} tags
 * @param {Rec[]} records
 */
export async function saveWorkbook(url, tags, records) {
  const rows = records.map(({ id }, at) => ({
    id: refOf(id.val),
    ...(at ? {} : { fields: tags.join(",") }),
  }));
  const answer = await send("POST", url, gridOf(rows), { Accept: WORKBOOK });
  save(await answer.blob(), "records.xlsx");
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
  for (const [index, track] of tracks.entries()) {
    const { name, unit } = track;
    const y = MARGIN + (index + 1.5) * LINE;
    context.fillStyle = trackColor(track);
    context.fillRect(MARGIN, y - 2, 18, 4);
    context.fillStyle = color("--text");
    context.fillText(unit ? `${name} (${unit})` : name, MARGIN + 26, y);
  }
  canvas.toBlob((blob) => blob && save(blob, "chart.png"));
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
