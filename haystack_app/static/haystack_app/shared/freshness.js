/**
 * Whether a current value is too old to be called current.
 *
 * Only a value that came with a sample has a time, `curSampleTs`. One that a
 * connector writes is as good as the `curStatus` that the connector gives it.
 *
 * @module
 */

import { ngettext } from "./i18n.js";
import { instantOf, textOf, withoutUnit } from "./values.js";

/** @import { Dict } from "../live.js" */

const DAY = 86_400_000;
/** Points that log changes may rightly be silent for days. */
const COV_LIMIT = 7 * DAY;
const INTERVALS = 3;
/** @type {Record<string, number>} Milliseconds. */
const UNITS = {
  sec: 1000,
  s: 1000,
  min: 60_000,
  hr: 3_600_000,
  h: 3_600_000,
  day: DAY,
};

/**
 * @param {Dict} record
 * @param {number} [now] Milliseconds since 1970.
 * @returns {{status: string, since: number}} `curStatus`, or `stale` if the value is
 *   too old; `since` is then the time of the value, otherwise NaN.
 */
export function statusOf(record, now = Date.now()) {
  const status = textOf(record.curStatus);
  const at = instantOf(record.curSampleTs);
  const isOld = record.curVal != null && now - at > limitOf(record);
  return isOld && (!status || status === "ok" || status === "stale")
    ? { status: "stale", since: at }
    : { status, since: NaN };
}

/**
 * @param {number} milliseconds
 * @returns {string} Such as `10 days`.
 */
export function ageText(milliseconds) {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 90) return MINUTES(Math.max(1, minutes));
  const hours = Math.round(minutes / 60);
  if (hours < 36) return HOURS(hours);
  const days = Math.round(hours / 24);
  return days < 730 ? DAYS(days) : YEARS(Math.round(days / 365));
}

/** @typedef {(count: number) => string} Counted A text for so many of a unit. */

/** @type {Counted} */
const MINUTES = (count) => ngettext("%(count)s minute", "%(count)s minutes", count);
/** @type {Counted} */
const HOURS = (count) => ngettext("%(count)s hour", "%(count)s hours", count);
/** @type {Counted} */
const DAYS = (count) => ngettext("%(count)s day", "%(count)s days", count);
/** @type {Counted} */
const YEARS = (count) => ngettext("%(count)s year", "%(count)s years", count);

/**
 * How long the newest sample of a point says what holds: a value that is logged when
 * it changes may stay for days, but not for ever after the logging has ended.
 *
 * @param {Dict} record
 * @returns {number} Milliseconds.
 */
export const holdOf = (record) => intervalsOf(record) || COV_LIMIT;

/**
 * @param {Dict} record
 * @returns {number} Milliseconds.
 */
function limitOf(record) {
  const isCov = record.hisMode === "cov" || "hisCollectCov" in record;
  return intervalsOf(record) || (isCov ? COV_LIMIT : DAY);
}

/**
 * @param {Dict} record
 * @returns {number} Milliseconds of a few intervals; 0 if they are not known.
 */
function intervalsOf({ hisCollectInterval: interval }) {
  const length = withoutUnit(interval);
  const unit =
    interval && typeof interval === "object" && "unit" in interval
      ? UNITS[String(interval.unit)]
      : undefined;
  if (!unit || typeof length !== "number") return 0;
  return Math.max(60_000, INTERVALS * length * unit);
}
