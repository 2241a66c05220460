/**
 * What is drawn beside lines: the bands of Bools and words, and where values are NA.
 *
 * @module
 */

import { commonStart } from "./track.js";
import { isNa } from "../shared/values.js";

/** @import { default as UPlot } from "uplot" */
/** @import { Track } from "./track.js" */

/** Pixels of a band with the name above it. */
export const LANE = 38;
const NAME = 17;
const FONT = "system-ui, sans-serif";

/** @param {string} name A custom property of the style sheet. */
export const color = (name) =>
  getComputedStyle(document.body).getPropertyValue(name).trim();

const COLORS = 8;
/** Dashes of lines, in pixels: those with the same colour have others. */
const DASHES = [[], [9, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 5], [14, 6]];
const GHOST_DASH = [3, 3];

/** @param {number} index Of a line or a word. */
export const lineColor = (index) => color(`--line-${index % COLORS}`);

/** @param {Track} track */
export const trackColor = ({ line, isGhost }) =>
  lineColor(line) + (isGhost ? "a0" : "");

/** @param {number} line */
export const dashIndex = (line) => Math.floor(line / COLORS) % DASHES.length;

/** @param {Track} track */
export const dashOf = ({ line, isGhost }) =>
  isGhost ? GHOST_DASH : (DASHES[dashIndex(line)] ?? []);

/**
 * Draw the bands, one above the other at the bottom of the plotting area.
 *
 * @param {UPlot} plot
 * @param {Track[]} tracks
 */
export function drawBands(plot, tracks) {
  const bands = tracks.filter(({ style }) => style === "band");
  const start = commonStart(tracks.map(({ name }) => name));
  const { ctx } = plot;
  const ratio = devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.textAlign = "left"; // unlike the labels of axes
  ctx.textBaseline = "middle";
  for (const [index, track] of bands.entries()) {
    const y = top + height - (bands.length - index) * LANE * ratio;
    ctx.font = `${12 * ratio}px ${FONT}`;
    ctx.fillStyle = color("--text");
    ctx.fillText(
      track.name.slice(start.length),
      left + 4 * ratio,
      y + (NAME / 2 + 2) * ratio,
    );
    drawBand(plot, track, y + NAME * ratio, ratio);
  }
  ctx.restore();
}

/**
 * Shade where the value of a line is NA: from an NA to the next sample.
 *
 * @param {UPlot} plot
 * @param {Track[]} tracks
 */
export function drawNa(plot, tracks) {
  const { ctx } = plot;
  const ratio = devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  const lanes = tracks.filter(({ style }) => style === "band").length * LANE * ratio;
  ctx.save();
  ctx.textAlign = "left";
  for (const { raw, times, style, isGhost } of tracks) {
    if (style === "band" || isGhost) continue;
    for (const [index, value] of raw.entries()) {
      const at = times[index];
      if (at === undefined || !isNa(value)) continue;
      const [from, to] = edges(plot, at, times[index + 1]);
      const [first, last] = [Math.max(from, left), Math.min(to, left + width)];
      if (last <= first) continue;
      ctx.globalAlpha = 0.22;
      ctx.fillStyle = color("--soft");
      ctx.fillRect(first, top, Math.max(last - first, ratio), height - lanes);
      ctx.globalAlpha = 1;
      if (last - first < 24 * ratio) continue;
      ctx.font = `${11 * ratio}px ${FONT}`;
      ctx.textBaseline = "top";
      ctx.fillText("NA", first + 4 * ratio, top + 3 * ratio);
    }
  }
  ctx.restore();
}

/**
 * @param {UPlot} plot
 * @param {Track} track
 * @param {number} y Canvas pixels.
 * @param {number} ratio
 */
function drawBand(plot, { times, values, words, labels, heldUntil, line }, y, ratio) {
  const { ctx, bbox } = plot;
  const height = (LANE - NAME - 5) * ratio;
  const isBool = words[0] === false;
  for (const { from, to, value } of runsOf(times, values, heldUntil)) {
    const [x, end] = edges(plot, from, to);
    if (end < bbox.left || x > bbox.left + bbox.width) continue;
    const isOff = isBool && value === 0;
    ctx.fillStyle =
      value === null || isOff ? color("--code") : lineColor(isBool ? line : value);
    ctx.fillRect(x, y, Math.max(end - x, ratio), height);
    const text = value === null ? "NA" : (labels[value] ?? "");
    const shown = Math.max(x, bbox.left) + 5 * ratio;
    if (ctx.measureText(text).width > Math.min(end, bbox.left + bbox.width) - shown)
      continue;
    ctx.fillStyle = value === null || isOff ? color("--text") : color("--on-line");
    ctx.fillText(text, shown, y + height / 2 + ratio);
  }
}

/**
 * Neighbours with the same value as one.
 *
 * @param {number[]} times
 * @param {(number | null)[]} values
 * @param {number} heldUntil
 */
function runsOf(times, values, heldUntil) {
  /** @type {{from: number, to: number, value: number | null}[]} */
  const runs = [];
  for (const [index, from] of times.entries()) {
    const value = values[index] ?? null;
    const to = times[index + 1] ?? Math.max(from, heldUntil);
    const last = runs.at(-1);
    if (last && last.value === value) last.to = to;
    else runs.push({ from, to, value });
  }
  return runs;
}

/**
 * @param {UPlot} plot
 * @param {number} from Seconds since 1970.
 * @param {number} [to] The right edge if it is missing.
 * @returns {[number, number]} Canvas pixels.
 */
function edges(plot, from, to) {
  const { left, width } = plot.bbox;
  return [
    plot.valToPos(from, "x", true),
    to === undefined ? left + width : plot.valToPos(to, "x", true),
  ];
}
