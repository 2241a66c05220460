/**
 * Averages in place of very many samples, with the least and the greatest of each.
 *
 * @module
 */

import { shownNumber } from "../shared/units.js";
import { instantOf, withoutUnit } from "../shared/values.js";
import { sampleText } from "./track.js";

/** @import { Dict } from "../live.js" */
/** @import { Track } from "./track.js" */

/** Samples a pixel above which a line would be a solid area. */
const DENSE = 4;
const FEWEST_ROWS = 20;

/**
 * @param {Track} track
 * @param {number} count Of all samples.
 * @param {number} width Pixels.
 * @returns {boolean} Whether averages show more than the samples.
 */
export const isDense = ({ style, times }, count, width) =>
  style === "line" && count > DENSE * width && times.length > FEWEST_ROWS;

/**
 * The averages of a roll-up at the middle of each bucket. The least and the greatest
 * are those of the samples that were read, which include the extremes of each span.
 *
 * @param {Track} track With samples.
 * @param {Dict[]} rows Of hisRead with `rollup`: `ts` and `avg`.
 * @returns {Track} The same track if there are few rows.
 */
export function rolledUp(track, rows) {
  if (rows.length < FEWEST_ROWS) return track;
  const starts = rows.map(({ ts }) => instantOf(ts) / 1000);
  const interval = shortest(starts);
  const extremes = extremesOf(track, starts, interval);
  return {
    ...track,
    times: starts.map((start) => start + interval / 2),
    values: rows.map(({ avg }) => {
      const plain = withoutUnit(avg);
      return typeof plain === "number" ? shownNumber(plain, track.storedUnit) : null;
    }),
    raw: rows.map(() => undefined),
    gap: 2.5 * interval,
    rolled: { ...extremes, end: sampleText(track, track.times.length - 1) },
  };
}

/** @param {number[]} starts */
function shortest(starts) {
  let least = Infinity;
  for (const [index, start] of starts.entries())
    least = Math.min(least, start - (starts[index - 1] ?? -Infinity));
  return least;
}

/**
 * @param {Track} track
 * @param {number[]} starts
 * @param {number} interval Seconds of a bucket; a day of 25 hours has a few more.
 */
function extremesOf({ times, values }, starts, interval) {
  /** @type {(number | undefined)[]} */
  const low = [];
  /** @type {(number | undefined)[]} */
  const high = [];
  let at = 0;
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? start + interval;
    let [least, greatest] = [Infinity, -Infinity];
    while (at < times.length && (times[at] ?? 0) < start) at++;
    for (; at < times.length && (times[at] ?? 0) < end; at++) {
      least = Math.min(least, values[at] ?? Infinity);
      greatest = Math.max(greatest, values[at] ?? -Infinity);
    }
    low.push(least <= greatest ? least : undefined);
    high.push(least <= greatest ? greatest : undefined);
  }
  return { low, high };
}
