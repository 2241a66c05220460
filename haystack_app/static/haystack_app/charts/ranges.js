/**
 * The ranges of time of a chart, and how the address of the page says them.
 *
 * A range is the name of a period (`today`), two days (`2026-11-01..2026-11-09`, both
 * included), or two instants (`2026-11-01T10:00:00Z..2026-11-01T12:30:00Z`).
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { dayAt, isoIn, wallOf } from "../shared/zones.js";

/** @typedef {{start: number, end: number}} Span Milliseconds since 1970. */

/** @type {Record<string, string>} What people call the periods. */
export const PERIODS = {
  today: gettext("Today"),
  yesterday: gettext("Yesterday"),
  "24h": gettext("Last 24 hours"),
  "7d": gettext("Last 7 days"),
  "30d": gettext("Last 30 days"),
  week: gettext("This week"),
  lastWeek: gettext("Last week"),
  month: gettext("This month"),
  lastMonth: gettext("Last month"),
  year: gettext("This year"),
  lastYear: gettext("Last year"),
};
export const FIRST_RANGE = "today";

const HOUR = 3_600_000;
const SHORTEST = 10_000;
const LONGEST = 100 * 366 * 24 * HOUR;
const DAYS = /^(\d{4})-(\d\d)-(\d\d)\.\.(\d{4})-(\d\d)-(\d\d)$/;
const INSTANTS = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\.\.(\d{4}-\d\d-\d\dT[\d:.]+Z)$/;

/**
 * @param {string} range
 * @returns {boolean} Whether it ends now, or later.
 */
export const isCurrent = (range) =>
  ["today", "24h", "7d", "30d", "week", "month", "year"].includes(range);

/**
 * @param {string} range
 * @returns {boolean} Whether it is two days.
 */
export const isDays = (range) => DAYS.test(range);

/**
 * @param {string} text
 * @returns {string} The range; that of a new chart if the text is not one.
 */
export function checkedRange(text) {
  return Object.hasOwn(PERIODS, text) || limitsOf(text, "UTC") ? text : FIRST_RANGE;
}

/**
 * @param {string} range A valid range.
 * @param {string} zone In which days begin.
 * @param {number} [now] Milliseconds since 1970.
 * @returns {Span}
 */
export function spanOf(range, zone, now = Date.now()) {
  return limitsOf(range, zone) ?? periodOf(range, zone, now);
}

/**
 * @param {Span} span
 * @returns {string} The range of two instants, whole seconds.
 */
export function rangeOf({ start, end }) {
  const text = (/** @type {number} */ at) =>
    new Date(Math.round(at / 1000) * 1000).toISOString().replace(".000", "");
  return `${text(start)}..${text(end)}`;
}

/**
 * @param {Span} span
 * @param {number} by Share of its length to move it, to the past if it is negative.
 * @returns {Span}
 */
export function moved({ start, end }, by) {
  const step = (end - start) * by;
  return { start: start + step, end: end + step };
}

/**
 * A span with the same moment at the same place, and another length.
 *
 * @param {Span} span
 * @param {number} factor Below 1 to see more detail.
 * @param {number} [at] The moment; the middle if it is missing.
 * @returns {Span}
 */
export function scaled({ start, end }, factor, at = (start + end) / 2) {
  const length = Math.min(LONGEST, Math.max(SHORTEST, (end - start) * factor));
  const before = (at - start) / (end - start);
  return { start: at - before * length, end: at + (1 - before) * length };
}

/**
 * A range as long as another one that ends with the day of a sample, to show it.
 *
 * @param {string} range
 * @param {string} zone
 * @param {number} instant Of the sample.
 * @param {number} [now]
 * @returns {string}
 */
export function rangeEndingAt(range, zone, instant, now = Date.now()) {
  const { start, end } = spanOf(range, zone, now);
  const days = Math.max(1, Math.round((end - start) / (24 * HOUR)));
  const { year, month, day } = wallOf(instant, zone);
  const first = dayAt(year, month, day - days + 1, zone);
  const date = (/** @type {number} */ at) => isoIn(at, zone).slice(0, 10);
  return `${date(first)}..${date(dayAt(year, month, day, zone))}`;
}

/**
 * @param {Span} span
 * @param {string} zone
 * @returns {[string, string]} First and last day, as inputs of dates have them.
 */
export function daysOf({ start, end }, zone) {
  return [isoIn(start, zone).slice(0, 10), isoIn(end - 1, zone).slice(0, 10)];
}

/**
 * @param {string} range
 * @param {string} zone
 * @returns {Span | null} Null if it is the name of a period, or invalid.
 */
function limitsOf(range, zone) {
  const days = DAYS.exec(range);
  if (days) {
    const [y1 = 0, m1 = 0, d1 = 0, y2 = 0, m2 = 0, d2 = 0] = days.slice(1).map(Number);
    return checked(dayAt(y1, m1, d1, zone), dayAt(y2, m2, d2 + 1, zone));
  }
  const [, first = "", second = ""] = INSTANTS.exec(range) ?? [];
  return checked(Date.parse(first), Date.parse(second));
}

/**
 * @param {number} start
 * @param {number} end
 * @returns {Span | null}
 */
function checked(start, end) {
  return end > start && end - start <= LONGEST ? { start, end } : null;
}

/**
 * @param {string} name
 * @param {string} zone
 * @param {number} now
 * @returns {Span}
 */
function periodOf(name, zone, now) {
  const { year, month, day } = wallOf(now, zone);
  const at = (/** @type {number} */ m, /** @type {number} */ d, y = year) =>
    dayAt(y, m, d, zone);
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  const monday = day - weekday;
  switch (name) {
    case "yesterday":
      return { start: at(month, day - 1), end: at(month, day) };
    case "24h":
      return { start: now - 24 * HOUR, end: now };
    case "7d":
      return { start: now - 7 * 24 * HOUR, end: now };
    case "30d":
      return { start: now - 30 * 24 * HOUR, end: now };
    case "week":
      return { start: at(month, monday), end: at(month, monday + 7) };
    case "lastWeek":
      return { start: at(month, monday - 7), end: at(month, monday) };
    case "month":
      return { start: at(month, 1), end: at(month + 1, 1) };
    case "lastMonth":
      return { start: at(month - 1, 1), end: at(month, 1) };
    case "year":
      return { start: at(1, 1), end: at(1, 1, year + 1) };
    case "lastYear":
      return { start: at(1, 1, year - 1), end: at(1, 1) };
    default:
      return { start: at(month, day), end: at(month, day + 1) };
  }
}
