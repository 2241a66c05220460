/**
 * What a chart says about itself: that its samples are old, or why it is empty.
 *
 * @module
 */

import { ageText } from "./freshness.js";
import { isCurrent, rangeEndingAt } from "./ranges.js";
import { instantOf } from "./values.js";
import { momentIn } from "./zones.js";

/** @import { Rec } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const DAY = 86_400_000;

/**
 * @param {Rec[]} records Of the points.
 * @param {Track[]} drawn Those that have samples.
 * @param {{range: string, span: Span, zone: string}} shown
 * @param {number} [now] Milliseconds since 1970.
 * @returns {{text: string, range: string}} `range` is where samples are; it is empty
 *   if there is nothing to go to.
 */
export function noteOf(records, drawn, { range, span, zone }, now = Date.now()) {
  const newest = Math.max(...instants(records, "hisEnd"));
  const oldest = Math.min(...instants(records, "hisStart"));
  const isEmpty = !drawn.length;
  if (!Number.isFinite(newest)) {
    const text = records.some((record) => "his" in record)
      ? "No samples have been stored yet."
      : "This has no history: it is without the tag his.";
    return { text: isEmpty ? text : "", range: "" };
  }
  const there = (/** @type {number} */ at) => rangeEndingAt(range, zone, at, now);
  if (isEmpty) {
    const isBefore = oldest >= span.end;
    const at = isBefore ? oldest : newest;
    const text = isBefore
      ? `No samples in this time. The first one is of ${momentIn(at, zone)}.`
      : `No samples in this time. The last one is ${lastText(at, zone, now)}.`;
    return { text, range: there(at) };
  }
  if (isCurrent(range) && now - newest > DAY)
    return { text: `The last sample is ${lastText(newest, zone, now)}.`, range: "" };
  return { text: thinnedText(drawn), range: "" };
}

/**
 * @param {number} at
 * @param {string} zone
 * @param {number} now
 */
function lastText(at, zone, now) {
  const moment = momentIn(at, zone);
  return at <= now ? `${ageText(now - at)} ago (${moment})` : `of ${moment}`;
}

/** @param {Track[]} drawn */
function thinnedText(drawn) {
  const thinned = drawn.filter(({ all }) => all);
  if (!thinned.length) return "";
  const total = thinned.reduce((sum, { all }) => sum + (all?.count ?? 0), 0);
  const count = thinned.reduce((sum, { times }) => sum + times.length, 0);
  const [shown, whole] = [count, total].map((number) => number.toLocaleString("en"));
  return `${shown} of ${whole} samples are drawn, which look the same. Zoom in for the others.`;
}

/**
 * @param {Rec[]} records
 * @param {"hisStart" | "hisEnd"} tag
 */
const instants = (records, tag) =>
  records.map((record) => instantOf(record[tag])).filter((at) => !Number.isNaN(at));
