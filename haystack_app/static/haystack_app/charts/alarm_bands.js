/**
 * The time of alarms, shaded in charts.
 *
 * @module
 */

import { color } from "./bands.js";
import { readAlarms } from "../alarms/requests.js";
import { followAlarms } from "../alarms/summary.js";

/** @import { default as UPlot } from "uplot" */
/** @import { Alarm } from "../alarms/requests.js" */
/** @import { Summary } from "../alarms/summary.js" */
/** @import { Track } from "./track.js" */

/** Points whose alarms are read for one chart. */
const MOST_POINTS = 12;
/** Of one point. */
const MOST_ALARMS = 200;
/** Milliseconds of the spans for which is asked: whole hours, so that moves find them. */
const GRAIN = 3_600_000;

/** @type {Map<string, Alarm[]>} */
const known = new Map();
let last = -1;
/** @type {Set<UPlot>} Drawn again when alarms change. */
const plots = new Set();

/**
 * Shade the alarms of the points; those that are not known are read, and drawn then.
 *
 * @param {UPlot} plot
 * @param {Track[]} tracks
 */
export function drawAlarms(plot, tracks) {
  follow(plot);
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  const start = Math.floor(((min ?? 0) * 1000) / GRAIN) * GRAIN;
  const end = Math.ceil(((max ?? 0) * 1000) / GRAIN) * GRAIN;
  const points = tracks.filter(({ isGhost }) => !isGhost).slice(0, MOST_POINTS);
  for (const { id } of points) {
    const key = `${id} ${start} ${end} ${last}`;
    const alarms = known.get(key);
    if (alarms) for (const alarm of alarms) shade(plot, alarm);
    else if (end > start) read(plot, key, id, start, end);
  }
}

/** @param {UPlot} plot */
function follow(plot) {
  if (plots.has(plot)) return;
  plots.add(plot);
  plot.hooks.destroy = [...(plot.hooks.destroy ?? []), () => plots.delete(plot)];
  followAlarms(redraw);
}

/** @param {Summary} summary */
function redraw(summary) {
  if (last === summary.last) return;
  known.clear();
  ({ last } = summary);
  for (const plot of plots) plot.redraw();
}

/**
 * @param {UPlot} plot
 * @param {string} key
 * @param {string} point
 * @param {number} start
 * @param {number} end
 */
async function read(plot, key, point, start, end) {
  known.set(key, []);
  const span = {
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
  };
  try {
    const { results } = await readAlarms({ point, ...span, limit: `${MOST_ALARMS}` });
    known.set(key, results);
    if (results.length && plot.root.isConnected) plot.redraw();
  } catch {
    known.delete(key); // asked again with the next drawing
  }
}

/**
 * @param {UPlot} plot
 * @param {Alarm} alarm
 */
function shade(plot, { raisedAt, clearedAt }) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const from = plot.valToPos(Date.parse(raisedAt) / 1000, "x", true);
  const until = clearedAt ? Date.parse(clearedAt) : Date.now();
  const to = plot.valToPos(until / 1000, "x", true);
  const first = Math.max(from, bbox.left);
  const width = Math.min(to, bbox.left + bbox.width) - first;
  if (width < 0) return;
  ctx.save();
  ctx.fillStyle = color("--bad");
  ctx.globalAlpha = 0.12;
  ctx.fillRect(first, bbox.top, Math.max(width, ratio), bbox.height);
  ctx.globalAlpha = 1;
  ctx.fillRect(first, bbox.top, Math.max(width, ratio), 3 * ratio);
  ctx.restore();
}
