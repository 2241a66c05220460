/**
 * What a chart shows as files: the samples as CSV, the picture as PNG.
 *
 * @module
 */

import { color, lineColor } from "./bands.js";
import { csvOf } from "./csv.js";
import { element } from "./elements.js";

/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const BYTE_ORDER_MARK = "\uFEFF";
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
 * @param {Blob} content
 * @param {string} name
 */
function save(content, name) {
  const href = URL.createObjectURL(content);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
