/**
 * Time zones: those of points, by their cities, and calendar days in them.
 *
 * @module
 */

import { dateLanguage } from "./i18n.js";

const REGIONS = [
  "Africa",
  "America",
  "Antarctica",
  "Asia",
  "Atlantic",
  "Australia",
  "Europe",
  "Indian",
  "Pacific",
  "Etc",
];

/** @type {Map<string, string>} Zones by city; empty for unknown cities. */
const zones = new Map();
/** @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

/** @returns {string} The zone of the browser, such as `Europe/Paris`. */
export const browserZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * The zone that Haystack names by its city, the last part of the name.
 *
 * @param {string} city The tag `tz` of a point, such as `New_York`.
 * @returns {string} Empty if the browser does not know it.
 */
export function zoneOf(city) {
  if (!city || city === "UTC" || city === "GMT") return city ? "UTC" : "";
  let zone = zones.get(city);
  if (zone === undefined) {
    const listed = Intl.supportedValuesOf("timeZone");
    zone =
      listed.find((name) => name.endsWith(`/${city}`)) ??
      REGIONS.map((region) => `${region}/${city}`).find(isKnown) ??
      "";
    zones.set(city, zone);
  }
  return zone;
}

/**
 * Date and time of day that clocks in a zone show.
 *
 * @param {number} instant Milliseconds since 1970.
 * @param {string} zone
 * @returns {{year: number, month: number, day: number, hour: number, minute: number,
 *   second: number}} `month` from 1.
 */
export function wallOf(instant, zone) {
  const parts = clockOf(zone).formatToParts(instant);
  const part = (/** @type {string} */ type) =>
    Number(parts.find((one) => one.type === type)?.value);
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
}

/**
 * The instant at which a day begins. Months and days may be out of bounds, as for
 * `Date.UTC`. If the clocks skip midnight, it is the first instant of the day.
 *
 * @param {number} year
 * @param {number} month From 1.
 * @param {number} day
 * @param {string} zone
 * @returns {number} Milliseconds since 1970.
 */
export function dayAt(year, month, day, zone) {
  const wanted = Date.UTC(year, month - 1, day);
  const first = wanted - offsetAt(wanted, zone);
  const second = wanted - offsetAt(first, zone);
  return offsetAt(second, zone) === wanted - second ? second : Math.max(first, second);
}

/**
 * The instant at which clocks show a date and time. Of two it is the first; a time that
 * the clocks skip is as long after the gap as it would have been after its beginning.
 *
 * @param {string} wall Such as `2026-03-29T02:30:00`.
 * @param {string} zone
 * @returns {number} Milliseconds since 1970.
 */
export function instantAt(wall, zone) {
  const wanted = Date.parse(`${wall}Z`);
  const day = 86_400_000;
  const [before, after] = [offsetAt(wanted - day, zone), offsetAt(wanted + day, zone)];
  const first = wanted - before;
  return offsetAt(first, zone) === before || offsetAt(wanted - after, zone) !== after
    ? first
    : wanted - after;
}

/**
 * @param {number} instant Milliseconds since 1970.
 * @param {string} zone
 * @returns {string} As ISO 8601 with the offset of the zone.
 */
export function isoIn(instant, zone) {
  const offset = offsetAt(instant, zone);
  const text = new Date(instant + offset).toISOString().replace(/(\.000)?Z$/, "");
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const hour = String(Math.floor(minutes / 60)).padStart(2, "0");
  const minute = String(minutes % 60).padStart(2, "0");
  return `${text}${offset < 0 ? "-" : "+"}${hour}:${minute}`;
}

/**
 * @param {number} instant
 * @param {string} zone
 * @returns {string} Date and time for people: `Thu 19 Nov 2026, 10:30`.
 */
export function momentIn(instant, zone) {
  return new Intl.DateTimeFormat(dateLanguage, {
    timeZone: zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  }).format(instant);
}

/**
 * Labels of a time axis: times with the date below where it changes, or dates with
 * the year below.
 *
 * @param {number[]} moments Seconds since 1970.
 * @param {number} step Seconds between two of them.
 * @param {string} zone
 * @returns {string[]}
 */
export function timeLabels(moments, step, zone) {
  const isTime = step < 86_400;
  const isMonth = step > 27 * 86_400;
  /** @type {Intl.DateTimeFormatOptions} */
  const date = isMonth ? { month: "short" } : { day: "numeric", month: "short" };
  /** @type {Intl.DateTimeFormatOptions} */
  const time = {
    hour: "2-digit",
    minute: "2-digit",
    second: step < 60 ? "2-digit" : undefined,
  };
  const format = (/** @type {Intl.DateTimeFormatOptions} */ options) =>
    new Intl.DateTimeFormat(dateLanguage, { timeZone: zone, ...options });
  const first = format(isTime ? time : date);
  const second = format(isTime ? date : { year: "numeric" });
  let before = "";
  return moments.map((moment) => {
    const below = second.format(moment * 1000);
    const text = first.format(moment * 1000);
    const label = below === before ? text : `${text}\n${below}`;
    before = below;
    return label;
  });
}

/** @param {string} zone */
function isKnown(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

/** @param {string} zone */
function clockOf(zone) {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    clocks.set(zone, clock);
  }
  return clock;
}

/**
 * @param {number} instant
 * @param {string} zone
 * @returns {number} Milliseconds that clocks in the zone are ahead of UTC.
 */
function offsetAt(instant, zone) {
  const { year, month, day, hour, minute, second } = wallOf(instant, zone);
  const whole = Math.floor(instant / 1000) * 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}
