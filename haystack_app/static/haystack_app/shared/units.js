/**
 * The units in which this browser shows numbers.
 *
 * Choices are kept in the browser. They change what is shown and never what is
 * written: inputs stay in the unit of the point.
 *
 * @module
 */

import { numberText, textOf } from "./values.js";

/** @import { Hayson } from "../live.js" */

/** @typedef {{quantity: string, scale: number, offset: number}} Factor */

const KEY = "haystack-units";
/** Significant digits of a conversion; floats have a few more, which are noise. */
const DIGITS = 12;

/** @type {Map<string, Factor>} By symbol; SI = value * scale + offset. */
const factors = new Map();
/** @type {Map<string, string>} The unit to show by the one that is stored. */
const choices = new Map();
/** @type {Set<string>} Units that the page has shown. */
const seen = new Set();
/** @type {(() => void)[]} */
const listeners = [];

load();

/**
 * @param {string} unit That is stored.
 * @returns {string} The one to show.
 */
export function shownUnit(unit) {
  if (unit) seen.add(unit);
  return choices.get(unit) ?? unit;
}

/**
 * @param {number} value
 * @param {string} unit Of the value.
 * @returns {number} In the unit that is shown.
 */
export const shownNumber = (value, unit) =>
  convert(value, unit, choices.get(unit) ?? unit);

/**
 * A value as text, in the unit that is shown.
 *
 * @param {Hayson | undefined} value
 * @returns {string}
 */
export function valueText(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return textOf(value);
  if (value._kind !== "number" || typeof value.val !== "number" || !value.unit)
    return textOf(value);
  const unit = shownUnit(value.unit);
  return numberText(convert(value.val, value.unit, unit), unit);
}

/**
 * The units that the page has shown and that can be converted, with their choices.
 *
 * @returns {{unit: string, shown: string, options: string[]}[]}
 */
export function offered() {
  return [...seen].sort().flatMap((unit) => {
    const options = alternatives(unit);
    return options.length > 1
      ? [{ unit, shown: choices.get(unit) ?? unit, options }]
      : [];
  });
}

/**
 * @param {string} unit That is stored.
 * @param {string} shown
 */
export function choose(unit, shown) {
  if (shown === unit) choices.delete(unit);
  else choices.set(unit, shown);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(choices)));
  } catch {
    // a browser that stores nothing shows the choice until the page is closed
  }
  for (const listener of listeners) listener();
}

/** @param {() => void} listener Called when a choice has changed. */
export const onUnits = (listener) => listeners.push(listener);

/**
 * @param {number} value
 * @param {string} unit
 * @param {string} other
 * @returns {number}
 */
export function convert(value, unit, other) {
  const [from, to] = [factors.get(unit), factors.get(other)];
  if (unit === other || !from || from.quantity !== to?.quantity) return value;
  const si = value * from.scale + from.offset;
  const largest = Math.max(Math.abs(si), Math.abs(to.offset)) / to.scale;
  const digits = DIGITS - Math.ceil(Math.log10(largest || 1));
  const result = (si - to.offset) / to.scale; // of a difference, digits are lost
  return Number(result.toFixed(Math.min(100, Math.max(0, digits))));
}

/**
 * @param {string} unit
 * @param {string} other
 * @returns {boolean}
 */
export const isConvertible = (unit, other) =>
  unit === other || alternatives(unit).includes(other);

/** @param {string} unit */
function alternatives(unit) {
  const quantity = factors.get(unit)?.quantity;
  if (!quantity) return [];
  return [...factors]
    .filter(([, factor]) => factor.quantity === quantity)
    .map(([symbol]) => symbol);
}

/**
 * Take the units of the server.
 *
 * @param {Record<string, [string, number, number][]>} quantities Symbol, scale and
 *   offset of each unit.
 */
export function learn(quantities) {
  for (const [quantity, units] of Object.entries(quantities))
    for (const [symbol, scale, offset] of units)
      factors.set(symbol, { quantity, scale, offset });
}

function load() {
  const script = globalThis.document?.getElementById("haystack-units");
  if (!script) return;
  learn(JSON.parse(script.textContent ?? "{}"));
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    for (const [unit, shown] of Object.entries(kept))
      if (alternatives(unit).includes(shown)) choices.set(unit, shown);
  } catch {
    // what is kept there is not ours
  }
}
