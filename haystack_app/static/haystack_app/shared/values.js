/**
 * Hayson values as text for people. Records are written by others: show these
 * texts by `textContent`, never as HTML.
 *
 * @module
 */

import { dateLanguage, gettext, language, ngettext } from "./i18n.js";

/** @import { Dict, Hayson, HaysonDateTime, HaysonObject, HaysonSingleton } from "../live.js" */

const MAX_DEPTH = 4;
const MAX_LENGTH = 400;
/** Units that follow their number without a space. */
const TIGHT_UNITS = new Set(["%", "°", "°C", "°F", "$", "€", "£"]);
/** Making a format costs more than using it for a hundred numbers. */
const FORMATS = /** @type {const} */ ([
  new Intl.NumberFormat(language, { maximumFractionDigits: 0 }),
  new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
  new Intl.NumberFormat(language, { maximumFractionDigits: 2 }),
  new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }),
]);
const SMALL = 3;
const OFFSET = /(Z|[+-]\d\d:\d\d)$/;
const REF_ID = /^[A-Za-z0-9_:\-.~]+$/;

/**
 * @param {Hayson | undefined} value
 * @returns {string}
 */
export function textOf(value) {
  const text = textWithin(value, MAX_DEPTH);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/**
 * The display name of a record.
 *
 * @param {Dict} record
 * @returns {string}
 */
export function nameOf(record) {
  return textOf(record.dis ?? record.navName ?? record.name ?? record.id);
}

/**
 * The name of a record below its parent, which it does not repeat.
 *
 * @param {Dict} record
 * @returns {string}
 */
export const shortNameOf = (record) => textOf(record.navName ?? nameOf(record));

/**
 * The tags that differ, each as `name: old → new`, in order of their names.
 *
 * @param {Dict} before
 * @param {Dict} after
 * @returns {string[]}
 */
export function differences(before, after) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete("_kind"); // of the dicts themselves
  return [...names].sort().map((name) => {
    const [was, is] = [before, after].map(
      (tags) => textOf(tags[name]) || gettext("none"),
    );
    return `${name}: ${was} → ${is}`;
  });
}

/**
 * @param {Hayson | undefined} value
 * @returns {value is HaysonSingleton}
 */
export const isMarker = (value) => isObject(value) && value._kind === "marker";

/**
 * @param {Hayson | undefined} value
 * @returns {value is HaysonSingleton}
 */
export const isNa = (value) => isObject(value) && value._kind === "na";

/**
 * A ref as it is written in a filter.
 *
 * @param {string} id
 * @returns {string} Empty if filters cannot express the id.
 */
export const filterId = (id) => (REF_ID.test(id) ? `@${id}` : "");

/**
 * A value as filters have it.
 *
 * @param {Hayson} value
 * @returns {string} Empty if they cannot express it.
 */
export function filterLiteral(value) {
  if (typeof value === "string") return JSON.stringify(value).replaceAll("$", "\\$");
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (!isObject(value)) return "";
  switch (value._kind) {
    case "ref":
      return filterId(value.val);
    case "number":
      return typeof value.val === "number" ? `${value.val}${value.unit ?? ""}` : "";
    case "uri":
      return `\`${value.val.replace(/[`\\$]/g, "\\$&")}\``;
    case "symbol":
      return `^${value.val}`;
    case "date":
    case "time":
      return value.val;
    default:
      return "";
  }
}

/**
 * @param {Hayson | undefined} value
 * @returns {number} Milliseconds since 1970; NaN if `value` is not a DateTime.
 */
export const instantOf = (value) => (isDateTime(value) ? Date.parse(value.val) : NaN);

/**
 * A number as JavaScript has it; any other value as it is.
 *
 * @param {Hayson | undefined} value
 */
export const withoutUnit = (value) =>
  isObject(value) && value._kind === "number" ? value.val : value;

/** @param {Hayson | undefined} value A Number, with or without a unit. */
export const numberOf = (value) => Number(withoutUnit(value));

/**
 * @param {Hayson} value
 * @param {string} name
 * @returns {Hayson | undefined} A part of a Hayson object.
 */
export const part = (value, name) =>
  value && typeof value === "object" && !Array.isArray(value)
    ? /** @type {Record<string, Hayson>} */ (/** @type {HaysonObject} */ (value))[name]
    : undefined;

/**
 * The time if it is today, otherwise the date.
 *
 * @param {number} instant Milliseconds since 1970.
 * @param {Date} [now]
 * @returns {string}
 */
export function whenText(instant, now = new Date()) {
  if (Number.isNaN(instant)) return "";
  const at = new Date(instant);
  if (at.toDateString() === now.toDateString())
    return at.toLocaleTimeString(dateLanguage);
  return at.toLocaleDateString(dateLanguage, { day: "numeric", month: "short" });
}

/**
 * The time of day if it is today, otherwise with the date.
 *
 * @param {number} instant Milliseconds since 1970.
 * @param {Date} [now]
 * @returns {string} In the zone of the browser; empty for NaN.
 */
export function momentText(instant, now = new Date()) {
  if (Number.isNaN(instant)) return "";
  const at = new Date(instant);
  const isToday = at.toDateString() === now.toDateString();
  return at.toLocaleString(dateLanguage, {
    ...(isToday ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
}

/**
 * @param {number} val
 * @param {string} [unit]
 * @returns {string}
 */
export function numberText(val, unit) {
  const size = Math.abs(val);
  const isSmall = val !== 0 && size < 0.01;
  const digits = isSmall ? SMALL : size < 1_000 ? 2 : size < 100_000 ? 1 : 0;
  const text = (FORMATS[digits] ?? FORMATS[0]).format(val);
  if (!unit) return text;
  return TIGHT_UNITS.has(unit) ? text + unit : `${text} ${unit}`;
}

/**
 * @param {Hayson | undefined} value
 * @returns {value is HaysonObject}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {Hayson | undefined} value
 * @returns {value is HaysonDateTime}
 */
const isDateTime = (value) => isObject(value) && value._kind === "dateTime";

/**
 * @param {Hayson | undefined} value
 * @param {number} depth How many more levels of lists and dicts to show.
 * @returns {string}
 */
function textWithin(value, depth) {
  if (value == null) return "";
  if (typeof value === "number") return numberText(value);
  if (typeof value !== "object") return String(value);
  if (depth === 0) return "…";
  if (isObject(value)) return objectText(value, depth);
  return `[${value.map((item) => textWithin(item, depth - 1)).join(", ")}]`;
}

/**
 * @param {HaysonObject} value
 * @param {number} depth
 * @returns {string}
 */
function objectText(value, depth) {
  switch (value._kind) {
    case "marker":
      return "✓";
    case "na":
      return "NA";
    case "remove":
      return gettext("remove");
    case "number":
      return typeof value.val === "number"
        ? numberText(value.val, value.unit)
        : value.val;
    case "ref":
      return value.dis || `@${value.val}`;
    case "symbol":
      return `^${value.val}`;
    case "uri":
    case "date":
    case "time":
      return value.val;
    case "dateTime":
      return dateTimeText(value);
    case "coord":
      return `${value.lat}, ${value.lng}`;
    case "xstr":
      return `${value.type}("${value.val}")`;
    case "grid":
      return ngettext(
        "grid of %(count)s row",
        "grid of %(count)s rows",
        value.rows.length,
      );
    default:
      return dictText(value, depth);
  }
}

/** @param {HaysonDateTime} value */
function dateTimeText({ val, tz = "UTC" }) {
  return `${val.replace("T", " ").replace(OFFSET, "")} ${tz}`;
}

/**
 * @param {Dict} dict
 * @param {number} depth
 */
function dictText(dict, depth) {
  const parts = Object.entries(dict)
    .filter(([name]) => name !== "_kind")
    .map(([name, value]) =>
      isMarker(value) ? name : `${name}: ${textWithin(value, depth - 1)}`,
    );
  return `{${parts.join(", ")}}`;
}
