/**
 * What a chart says about itself: that its samples are old, or why it is empty.
 *
 * @module
 */

import { gettext, interpolate } from "../shared/i18n.js";
import { ageText } from "../shared/freshness.js";
import { isCurrent, rangeEndingAt } from "./ranges.js";
import { instantOf } from "../shared/values.js";
import { momentIn } from "../shared/zones.js";

/** @import { Rec } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const DAY = 86_400_000;
/** @type {[string, string]} */
const LAST_ONE = [
  gettext("The last one is %(age)s ago (%(time)s)."),
  gettext("The last one is of %(time)s."),
];
/** @type {[string, string]} */
const LAST_SAMPLE = [
  gettext("The last sample is %(age)s ago (%(time)s)."),
  gettext("The last sample is of %(time)s."),
];

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
      ? gettext("No samples have been stored yet.")
      : gettext("This has no history: it is without the tag his.");
    return { text: isEmpty ? text : "", range: "" };
  }
  const there = (/** @type {number} */ at) => rangeEndingAt(range, zone, at, now);
  if (isEmpty) {
    const isBefore = oldest >= span.end;
    const at = isBefore ? oldest : newest;
    const text = isBefore
      ? gettext("No samples in this time. The first one is of %(time)s.", {
          time: momentIn(at, zone),
        })
      : `${gettext("No samples in this time.")} ${lastText(at, zone, now, LAST_ONE)}`;
    return { text, range: there(at) };
  }
  if (isCurrent(range) && now - newest > DAY)
    return { text: lastText(newest, zone, now, LAST_SAMPLE), range: "" };
  return { text: thinnedText(drawn), range: "" };
}

/**
 * @param {number} at
 * @param {string} zone
 * @param {number} now
 * @param {[string, string]} texts For a sample of the past, and for one of the future.
 */
function lastText(at, zone, now, [past, future]) {
  const time = momentIn(at, zone);
  if (at > now) return interpolate(future, { time });
  return interpolate(past, { age: ageText(now - at), time });
}

/** @param {Track[]} drawn */
function thinnedText(drawn) {
  if (drawn.some(({ rolled }) => rolled))
    return gettext(
      "Averages are drawn, each with its least and greatest sample. Zoom in for the samples.",
    );
  const thinned = drawn.filter(({ all }) => all);
  if (!thinned.length) return "";
  const total = thinned.reduce((sum, { all }) => sum + (all?.count ?? 0), 0);
  const count = thinned.reduce((sum, { times }) => sum + times.length, 0);
  return gettext(
    "%(count)s of %(total)s samples are drawn, which look the same. Zoom in for the others.",
    { count, total },
  );
}

/**
 * @param {Rec[]} records
 * @param {"hisStart" | "hisEnd"} tag
 */
const instants = (records, tag) =>
  records.map((record) => instantOf(record[tag])).filter((at) => !Number.isNaN(at));
