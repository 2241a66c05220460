/**
 * Hayson values as people read them. All of it is text: whoever shows it sets
 * `textContent`, for records are written by others.
 *
 * @module
 */

const DEEPEST = 4;
const LONGEST = 400;
const TIGHT_UNITS = new Set(["%", "°", "°C", "°F", "$", "€", "£"]);
const OFFSET = /(Z|[+-]\d\d:\d\d)$/;
const REF_ID = /^[A-Za-z0-9_:\-.~]+$/;

/**
 * @param {any} value
 * @returns {string}
 */
export function textOf(value) {
  const text = textWithin(value, DEEPEST);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/**
 * What a record is called.
 *
 * @param {Record<string, any>} record
 * @returns {string}
 */
export function nameOf(record) {
  return textOf(record.dis ?? record.navName ?? record.name ?? record.id);
}

/**
 * What it is called beside what it is part of.
 *
 * @param {Record<string, any>} record
 * @returns {string}
 */
export const shortNameOf = (record) => textOf(record.navName ?? nameOf(record));

/** @param {any} value */
export const isMarker = (value) => value?._kind === "marker";

/**
 * An id as it stands in filters; empty where it cannot.
 *
 * @param {string} id
 * @returns {string}
 */
export const filterId = (id) => (REF_ID.test(id) ? `@${id}` : "");

/**
 * @param {any} dateTime Hayson.
 * @returns {number} Milliseconds since 1970; NaN for anything else.
 */
export const instantOf = (dateTime) => Date.parse(dateTime?.val);

/**
 * Whole seconds of today, the date of any other day.
 *
 * @param {number} instant Milliseconds since 1970.
 * @param {Date} [now]
 * @returns {string}
 */
export function whenText(instant, now = new Date()) {
  if (Number.isNaN(instant)) return "";
  const at = new Date(instant);
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString("en-GB");
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/**
 * @param {number} val
 * @param {string} [unit]
 * @returns {string}
 */
export function numberText(val, unit) {
  const isSmall = val !== 0 && Math.abs(val) < 0.01;
  const digits = isSmall
    ? { maximumSignificantDigits: 3 }
    : {
        maximumFractionDigits:
          Math.abs(val) < 1_000 ? 2 : Math.abs(val) < 100_000 ? 1 : 0,
      };
  const text = val.toLocaleString("en", digits);
  if (!unit) return text;
  return TIGHT_UNITS.has(unit) ? text + unit : `${text} ${unit}`;
}

/**
 * @param {any} value
 * @param {number} depth
 * @returns {string}
 */
function textWithin(value, depth) {
  if (value == null) return "";
  if (typeof value === "number") return numberText(value);
  if (typeof value !== "object") return String(value);
  if (depth === 0) return "…";
  if (Array.isArray(value)) {
    return `[${value.map((one) => textWithin(one, depth - 1)).join(", ")}]`;
  }
  return (KINDS[value._kind] ?? dictText)(value, depth);
}

/** @type {Record<string, (value: any, depth: number) => string>} */
const KINDS = {
  __proto__: null,
  marker: () => "✓",
  na: () => "NA",
  remove: () => "remove",
  number: ({ val, unit }) =>
    typeof val === "number" ? numberText(val, unit) : String(val),
  ref: ({ val, dis }) => (dis ? String(dis) : `@${val}`),
  symbol: ({ val }) => `^${val}`,
  dateTime: ({ val, tz }) =>
    `${String(val).replace("T", " ").replace(OFFSET, "")} ${tz ?? "UTC"}`,
  coord: ({ lat, lng }) => `${lat}, ${lng}`,
  xstr: ({ type, val }) => `${type}("${val}")`,
  grid: ({ rows }) =>
    rows?.length === 1 ? "grid of 1 row" : `grid of ${rows?.length ?? 0} rows`,
  uri: ({ val }) => String(val),
  date: ({ val }) => String(val),
  time: ({ val }) => String(val),
};

/**
 * @param {any} dict
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
