/**
 * Inputs for the value of a tag, one for each kind.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { choice, element, textField } from "../shared/elements.js";
import { gridInput } from "./grid_input.js";
import { refInput } from "./ref_input.js";
import { isDict, jsonInput, nestedInput } from "./nested_input.js";
import { isMarker, part } from "../shared/values.js";
import { instantAt, isoIn, wallOf, zoneOf } from "../shared/zones.js";

/** @import { Hayson } from "../live.js" */

/**
 * One that needs no answer of the server.
 *
 * @typedef {object} PlainInput
 * @property {HTMLElement} field
 * @property {() => Hayson} read Throws an Error with what would be right.
 */

/**
 * @typedef {object} TagInput
 * @property {HTMLElement} field
 * @property {() => Hayson | Promise<Hayson>} read Throws an Error, or rejects with one,
 *     that says what would be right.
 */

/** Kinds that a new tag may have, in the order of the choice. */
export const KINDS = /** @type {const} */ ([
  "Marker",
  "Str",
  "Number",
  "Bool",
  "Ref",
  "Date",
  "Time",
  "DateTime",
  "Uri",
  "Symbol",
  "Coord",
  "List",
  "Dict",
  "Grid",
  "Other",
]);

/** The id of the page's list of units. */
export const UNITS = "unit-list";

/** @typedef {typeof KINDS[number]} Kind */

/** @type {Record<string, Kind>} */
const KIND_OF = {
  marker: "Marker",
  number: "Number",
  ref: "Ref",
  date: "Date",
  time: "Time",
  dateTime: "DateTime",
  uri: "Uri",
  symbol: "Symbol",
  coord: "Coord",
  dict: "Dict",
  grid: "Grid",
};

/** Kinds of Hayson with a text in `val`, by the name of the kind. */
const TEXTS = /** @type {const} */ ({ Uri: "uri", Symbol: "symbol" });
const DAYS = /** @type {const} */ ({ Date: "date", Time: "time" });

/**
 * @param {Hayson} value
 * @returns {Kind}
 */
export function kindOf(value) {
  if (typeof value === "string") return "Str";
  if (typeof value === "number") return "Number";
  if (typeof value === "boolean") return "Bool";
  if (isMarker(value)) return "Marker";
  if (Array.isArray(value)) return "List";
  if (isDict(value)) return "Dict";
  return KIND_OF[String(part(value, "_kind"))] ?? "Other";
}

/**
 * @param {Kind} kind
 * @param {Hayson} value What the tag is now; null for a new one.
 * @param {string} label The name of the field, for those who do not see it.
 * @returns {TagInput}
 */
export function tagInput(kind, value, label) {
  switch (kind) {
    case "Marker":
      return {
        field: element("span", { text: "✓" }),
        read: () => ({ _kind: "marker" }),
      };
    case "Bool":
      return boolInput(value, label);
    case "Number":
      return numberInput(value, label);
    case "Ref":
      return refInput(String(part(value, "val") ?? ""), label);
    case "Date":
    case "Time":
      return dayInput(kind, value, label);
    case "DateTime":
      return dateTimeInput(value, label);
    case "Coord":
      return coordInput(value, label);
    case "Uri":
    case "Symbol": {
      const input = valueField(String(part(value, "val") ?? ""), label);
      return { field: input, read: () => ({ _kind: TEXTS[kind], val: filled(input) }) };
    }
    case "Str": {
      const input = valueField(typeof value === "string" ? value : "", label);
      return { field: input, read: () => input.value };
    }
    case "Grid":
      return gridInput(value, label);
    case "List":
    case "Dict":
      return nestedInput(kind, value, label);
    default:
      return jsonInput(value, label);
  }
}

/**
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
function boolInput(value, label) {
  const select = choice(label, ["true", "false"]);
  select.value = String(value === true);
  return { field: select, read: () => select.value === "true" };
}

/**
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
function numberInput(value, label) {
  const number = typeof value === "number" ? value : part(value, "val");
  const input = valueField(number == null ? "" : String(number), label);
  input.inputMode = "decimal";
  const unit = valueField(
    String(part(value, gettext("unit")) ?? ""),
    gettext("%(name)s: unit", { name: label }),
  );
  unit.placeholder = gettext("unit");
  unit.size = 6;
  unit.setAttribute("list", UNITS);
  const read = () => {
    const text = filled(input).replace(/^([+-]?)inf$/i, "$1INF");
    const special = /^([+-]?INF|NaN)$/.test(text);
    if (!special && (text === "" || Number.isNaN(Number(text))))
      throw new Error(
        gettext("%(text)s is not a number: write 12.5, and the unit beside it", {
          text,
        }),
      );
    const val = special ? text.replace("+", "") : Number(text);
    const symbol = unit.value.trim();
    if (!symbol && typeof val === "number") return val;
    return /** @type {Hayson} */ ({
      _kind: "number",
      val,
      ...(symbol ? { unit: symbol } : {}),
    });
  };
  return { field: element("span", { class: "with-unit" }, input, unit), read };
}

/**
 * @param {"Date" | "Time"} kind
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
function dayInput(kind, value, label) {
  const input = valueField(String(part(value, "val") ?? ""), label);
  input.type = DAYS[kind];
  if (kind === "Time") input.step = "any";
  const read = () => {
    const val = filled(input);
    return /** @type {Hayson} */ ({
      _kind: DAYS[kind],
      val: kind === "Time" && val.length === 5 ? `${val}:00` : val,
    });
  };
  return { field: input, read };
}

/**
 * The date and time that clocks in a zone show, and the name of the zone. A value that
 * is not touched stays as it is, to the microsecond.
 *
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
function dateTimeInput(value, label) {
  const [val, tz] = [
    String(part(value, "val") ?? ""),
    String(part(value, "tz") ?? "UTC"),
  ];
  const wall = val && zoneOf(tz) ? wallText(Date.parse(val), zoneOf(tz)) : "";
  const input = valueField(wall, label);
  input.type = "datetime-local";
  input.step = "1";
  const shown = input.value; // browsers write it in their own way
  const zone = valueField(tz, gettext("%(name)s: time zone", { name: label }));
  zone.size = 10;
  const read = () => {
    const [text, city] = [filled(input), filled(zone)];
    if (text === shown && city === tz) return value;
    const known = zoneOf(city);
    if (!known)
      throw new Error(
        gettext("%(text)s is not a time zone: write New_York or UTC", {
          text: city,
        }),
      );
    const iso = isoIn(instantAt(text, known), known);
    return /** @type {Hayson} */ ({ _kind: "dateTime", val: iso, tz: city });
  };
  return { field: element("span", { class: "with-unit" }, input, zone), read };
}

/**
 * @param {number} instant
 * @param {string} zone
 * @returns {string} As a `datetime-local` has it.
 */
function wallText(instant, zone) {
  const { year, month, day, hour, minute, second } = wallOf(instant, zone);
  const two = (/** @type {number} */ digits) => String(digits).padStart(2, "0");
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}`;
}

/**
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
function coordInput(value, label) {
  const [lat, lng] = /** @type {const} */ (["lat", "lng"]).map((name) => {
    const input = valueField(String(part(value, name) ?? ""), `${label}: ${name}`);
    input.inputMode = "decimal";
    input.placeholder = name === "lat" ? gettext("latitude") : gettext("longitude");
    return input;
  });
  const read = () => {
    const [y, x] = [lat, lng].map((input) => Number(filled(input)));
    if (!(Math.abs(y ?? NaN) <= 90 && Math.abs(x ?? NaN) <= 180))
      throw new Error(
        gettext("write a latitude of -90 to 90 and a longitude of -180 to 180"),
      );
    return /** @type {Hayson} */ ({ _kind: "coord", lat: y, lng: x });
  };
  const fields = [lat, lng].filter((input) => input !== undefined);
  return { field: element("span", { class: "with-unit" }, ...fields), read };
}

/**
 * @param {string} value
 * @param {string} label
 */
function valueField(value, label) {
  const input = textField(label);
  input.value = value;
  return input;
}

/** @param {HTMLInputElement | undefined} input */
function filled(input) {
  const text = input?.value.trim() ?? "";
  if (!text) throw new Error(gettext("a value is missing"));
  return text;
}
