/**
 * Another period beside the one that is shown: the one before it, a week or a year
 * earlier.
 *
 * @module
 */

import { gettext, interpolate } from "../shared/i18n.js";
import { dayAt, wallOf } from "../shared/zones.js";
import { isDays, spanOf } from "./ranges.js";

/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

/** @typedef {"" | "before" | "week" | "year"} Comparison */

/** @type {[Comparison, string][]} What people call them. */
export const COMPARISONS = [
  ["", gettext("Compare with nothing")],
  ["before", gettext("Period before")],
  ["week", gettext("A week earlier")],
  ["year", gettext("A year earlier")],
];
/** @type {Record<Comparison, string>} The name of a line. */
const LABELS = {
  "": "",
  before: gettext("%(name)s, period before"),
  week: gettext("%(name)s, a week earlier"),
  year: gettext("%(name)s, a year earlier"),
};

/**
 * @param {string} text Such as the address of a page has.
 * @returns {Comparison}
 */
export function checkedComparison(text) {
  const found = COMPARISONS.find(([name]) => name === text);
  return found ? found[0] : "";
}

/**
 * The span that is compared. Days are those of calendars: the month before March is
 * February, and hours stay the same if the clocks have changed between.
 *
 * @param {string} range
 * @param {Span} span What is shown of the range.
 * @param {Comparison} comparison
 * @param {string} zone
 * @returns {Span}
 */
export function comparedSpan(range, span, comparison, zone) {
  if (comparison === "week") return shifted(span, { days: 7 }, zone);
  if (comparison === "year") return shifted(span, { years: 1 }, zone);
  if (["month", "lastMonth"].includes(range)) return shifted(span, { months: 1 }, zone);
  if (["year", "lastYear"].includes(range)) return shifted(span, { years: 1 }, zone);
  const days = ["today", "yesterday"].includes(range) ? 1 : weekOrDays(range, zone);
  if (days) return shifted(span, { days }, zone);
  const length = span.end - span.start;
  return { start: span.start - length, end: span.start };
}

/**
 * @param {Track} track Of the span that is compared.
 * @param {number} seconds How much later it is shown.
 * @param {Comparison} comparison
 * @returns {Track}
 */
export function ghostOf(track, seconds, comparison) {
  return {
    ...track,
    id: `${track.id} ${comparison}`,
    name: interpolate(LABELS[comparison], { name: track.name }),
    times: track.times.map((at) => at + seconds),
    heldUntil: track.heldUntil + seconds,
    isGhost: true,
  };
}

/**
 * @param {string} range
 * @param {string} zone
 * @returns {number} 0 for other ranges.
 */
function weekOrDays(range, zone) {
  if (["week", "lastWeek"].includes(range)) return 7;
  if (!isDays(range)) return 0;
  const { start, end } = spanOf(range, zone);
  return Math.round((end - start) / 86_400_000);
}

/**
 * @param {Span} span
 * @param {{years?: number, months?: number, days?: number}} by
 * @param {string} zone
 * @returns {Span}
 */
function shifted({ start, end }, by, zone) {
  const from = earlier(start, by, zone);
  return { start: from, end: from + (end - start) };
}

/**
 * @param {number} instant
 * @param {{years?: number, months?: number, days?: number}} by
 * @param {string} zone
 */
function earlier(instant, { years = 0, months = 0, days = 0 }, zone) {
  const { year, month, day } = wallOf(instant, zone);
  const last = new Date(Date.UTC(year - years, month - months, 0)).getUTCDate();
  const kept = years || months ? Math.min(day, last) : day;
  const inDay = instant - dayAt(year, month, day, zone);
  return dayAt(year - years, month - months, kept - days, zone) + inDay;
}
