/**
 * The samples of one point, made ready to be drawn.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { shownNumber, shownUnit } from "../shared/units.js";
import {
  instantOf,
  isNa,
  nameOf,
  numberText,
  textOf,
  withoutUnit,
} from "../shared/values.js";

/** @import { Dict, Hayson, Rec } from "../live.js" */

/** Points on one chart at most: more lines look the same. */
export const MOST_POINTS = 50;
/** Distances of more intervals than this are gaps, as for hisRead with `maxPoints`. */
const GAP_INTERVALS = 3;
/** Spans of hisRead's `maxPoints` without a sample that are a gap. */
const GAP_SPANS = 2.5;
/** Samples that hisRead with `maxPoints` returns of each span, without gaps. */
export const SAMPLES_A_SPAN = 4;

/**
 * `line`: the value changes between samples; `step`: it holds until the next sample;
 * `band`: it is one of several words.
 *
 * @typedef {"line" | "step" | "band"} Style
 */

/**
 * @typedef {object} Track
 * @property {string} id
 * @property {string} name
 * @property {string} unit That is shown.
 * @property {string} storedUnit
 * @property {number} line Which colour and dashes it has.
 * @property {boolean} isGhost Whether it is another period, for comparison.
 * @property {Style} style
 * @property {Hayson[]} words What the values of a band stand for, by index.
 * @property {string[]} labels The words for people.
 * @property {number[]} times Seconds since 1970, ascending.
 * @property {(number | null)[]} values Numbers in the unit that is shown, or indexes
 *   of words; null for NA and other values that cannot be drawn.
 * @property {{low: Numbers, high: Numbers, end: string} | null}
 *   rolled Set if the values are averages: the least and the greatest of each, and
 *   the newest sample as text.
 * @property {(Hayson | undefined)[]} raw The samples themselves.
 * @property {number} gap Seconds; a longer distance is drawn as a gap.
 * @property {number} heldUntil Seconds: how long the last value holds; 0 for lines.
 * @property {{count: number, average: number, isExact: boolean} | null} all Of all
 *   samples of the range, if these are only some of them.
 */

/** @typedef {(number | undefined)[]} Numbers */
/** @typedef {{min: number, max: number, average: number}} Stats NaN if unknown. */

/**
 * @param {Dict} record Of a point.
 * @returns {Style}
 */
export function styleOf(record) {
  if (record.kind !== "Number") return "band";
  const holds = ["sp", "cmd", "hisCollectCov"].some((tag) => tag in record);
  return holds || record.hisMode === "cov" ? "step" : "line";
}

/**
 * @param {Rec} record Of a point.
 * @param {Dict[]} samples Rows of hisRead.
 * @param {number} [spanLength] Seconds of one span of `maxPoints`.
 * @returns {Track}
 */
export function trackOf(record, samples, spanLength = 0) {
  const style = styleOf(record);
  const storedUnit = record.unit == null ? "" : textOf(record.unit);
  /** @type {Track} */
  const track = {
    id: record.id.val,
    name: nameOf(record),
    unit: shownUnit(storedUnit),
    storedUnit,
    line: 0,
    isGhost: false,
    rolled: null,
    style,
    words: record.kind === "Bool" ? [false, true] : [],
    labels: record.kind === "Bool" ? boolLabels(record.enum) : [],
    times: [],
    values: [],
    raw: [],
    gap: Infinity,
    heldUntil: 0,
    all: null,
  };
  for (const { ts, val } of samples) addSample(track, instantOf(ts) / 1000, val);
  if (style === "line")
    track.gap = Math.max(
      GAP_INTERVALS * 1.001 * usualInterval(track.times),
      GAP_SPANS * spanLength,
    );
  return track;
}

/**
 * Append a sample, unless there is a newer one.
 *
 * @param {Track} track
 * @param {number} at Seconds since 1970.
 * @param {Hayson | undefined} value
 */
export function addSample(track, at, value) {
  const last = track.times.at(-1);
  if (Number.isNaN(at) || (last !== undefined && at <= last)) return;
  track.times.push(at);
  track.values.push(drawnOf(track, value));
  track.raw.push(value);
  if (track.rolled) track.rolled.end = sampleText(track, track.times.length - 1);
}

/** @typedef {(number | null | undefined)[]} Column Lines bridge what is undefined. */

/**
 * The columns that uPlot draws: with a null in the middle of each gap, and the last
 * value of a step up to where it holds. Averages have two more, the least and the
 * greatest.
 *
 * @param {Track} track
 * @returns {[number[], ...Column[]]}
 */
export function columnsOf({ times, values, gap, style, heldUntil, rolled }) {
  /** @type {number[]} */
  const moments = [];
  /** @type {Column[]} */
  const columns = rolled ? [[], [], []] : [[]];
  const push = (/** @type {number} */ at, /** @type {Column} */ ...row) => {
    moments.push(at);
    for (const [index, column] of columns.entries()) column.push(row[index]);
  };
  let before = Infinity;
  for (const [index, at] of times.entries()) {
    if (at - before > gap) push((at + before) / 2, null, null, null);
    const value = values[index] ?? (rolled ? undefined : null);
    push(at, value, rolled?.low[index] ?? value, rolled?.high[index] ?? value);
    before = at;
  }
  const last = values.at(-1) ?? null;
  if (style === "step" && before < heldUntil && last !== null) push(heldUntil, last);
  return [moments, ...columns];
}

/**
 * The samples that are shown of a span: those within it, and before them the one that
 * holds when it begins.
 *
 * @param {Track} track
 * @param {number} start Seconds since 1970.
 * @param {number} end
 * @returns {[number, number]} Index of the first, and of the first that is too late.
 */
export function shownOf({ times, style }, start, end) {
  const after = firstAfter(times, start);
  const isFirst = style !== "line" || times[after - 1] === start;
  return [isFirst ? Math.max(0, after - 1) : after, firstAfter(times, end)];
}

/**
 * Whether a span shows anything of a track: a sample, a value that holds, or a line
 * that crosses it.
 *
 * @param {Track} track
 * @param {number} start Seconds since 1970.
 * @param {number} end
 * @returns {boolean}
 */
export function isDrawn(track, start, end) {
  const { times, gap, style, heldUntil } = track;
  const [from, to] = shownOf(track, start, end);
  const [before, at] = [times[from - 1], times[from]];
  if (style === "line")
    return (
      to > from || (before !== undefined && at !== undefined && at - before <= gap)
    );
  return (
    to - from > 1 || (at !== undefined && at <= end && Math.max(at, heldUntil) >= start)
  );
}

/**
 * @param {Track} track Of numbers.
 * @param {number} start Seconds since 1970.
 * @param {number} end
 * @returns {Stats} Of the values that are shown; the average is that of all samples if
 *   it is known.
 */
export function statsOf(track, start, end) {
  const { values, rolled } = track;
  let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
  const [from, to] = shownOf(track, start, end);
  for (let index = from; index < to; index++) {
    const value = values[index];
    min = Math.min(min, rolled?.low[index] ?? value ?? Infinity);
    max = Math.max(max, rolled?.high[index] ?? value ?? -Infinity);
    if (value == null) continue;
    sum += value;
    count++;
  }
  if (min > max) return { min: NaN, max: NaN, average: NaN };
  return { min, max, average: track.all ? track.all.average : sum / count };
}

/**
 * The share of the time that a Bool was true.
 *
 * @param {Track} track A band.
 * @returns {number} 0 to 1; NaN if nothing is known.
 */
export function shareOfTrue({ times, values, heldUntil }) {
  let [on, known] = [0, 0];
  for (const [index, at] of times.entries()) {
    const value = values[index];
    const length = Math.max(0, (times[index + 1] ?? heldUntil) - at);
    if (value == null) continue;
    known += length;
    on += value * length;
  }
  return on / known;
}

/**
 * @param {Track} track
 * @param {number} index Of a sample.
 * @returns {string}
 */
export function sampleText(track, index) {
  const value = track.values[index];
  const [low, high] = [track.rolled?.low[index], track.rolled?.high[index]];
  if (value == null) return textOf(track.raw[index]);
  if (track.style === "band") return track.labels[value] ?? "";
  const text = numberText(value, track.unit);
  return low === undefined || high === undefined
    ? text
    : gettext("%(value)s (%(low)s to %(high)s)", {
        value: text,
        low: numberText(low),
        high: numberText(high),
      });
}

/**
 * The sample that is read at a moment: the last one before it where values hold, the
 * nearest one on a line.
 *
 * @param {Track} track
 * @param {number} at Seconds since 1970.
 * @returns {number} Its index; -1 if no sample is valid then.
 */
export function sampleAt({ times, style, gap, heldUntil }, at) {
  const next = firstAfter(times, at);
  const before = next - 1;
  const early = times[before];
  const late = times[next];
  if (style !== "line")
    return early !== undefined && (late !== undefined || at <= heldUntil) ? before : -1;
  const toEarly = early === undefined ? Infinity : at - early;
  const toLate = late === undefined ? Infinity : late - at;
  if (Math.min(toEarly, toLate) > gap / 2) return -1;
  return toEarly <= toLate ? before : next;
}

/**
 * @param {number[]} times Ascending.
 * @param {number} at
 * @returns {number} Index of the first time after `at`.
 */
function firstAfter(times, at) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {Track} track
 * @param {Hayson | undefined} value
 * @returns {number | null}
 */
function drawnOf(track, value) {
  if (value == null || isNa(value)) return null;
  const plain = withoutUnit(value);
  if (track.style !== "band")
    return typeof plain === "number" ? shownNumber(plain, track.storedUnit) : null;
  const known = track.words.indexOf(plain ?? null);
  if (known >= 0) return known;
  if (typeof plain === "object") return null;
  track.words.push(plain ?? null);
  track.labels.push(textOf(plain));
  return track.words.length - 1;
}

/**
 * @param {Hayson | undefined} names The tag `enum` of a Bool, which names false and true.
 * @returns {string[]}
 */
function boolLabels(names) {
  const labels = enumNames(names);
  return labels.length === 2 ? labels : ["false", "true"];
}

/**
 * @param {Hayson | undefined} names The tag `enum`: a Str with commas, a list, a Dict
 *   by name, or a Grid with a column `name`.
 * @returns {string[]}
 */
export function enumNames(names) {
  if (typeof names === "string")
    return names
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
  if (Array.isArray(names)) return names.filter((name) => typeof name === "string");
  if (typeof names !== "object" || names === null) return [];
  if (names._kind === "grid")
    return names.rows
      .map(({ name }) => name)
      .filter((name) => typeof name === "string");
  return Object.keys(names).filter((name) => name !== "_kind");
}

/**
 * @param {number[]} times
 * @returns {number} The median of the distances; infinite for fewer than three times.
 */
function usualInterval(times) {
  if (times.length < 3) return Infinity;
  const distances = times.slice(1).map((at, index) => at - (times[index] ?? at));
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? Infinity;
}

/**
 * The words that all names begin with. Lists of points do not repeat them.
 *
 * @param {string[]} names
 * @returns {string} With the space after it; empty for a single name.
 */
export function commonStart([first = "", ...others]) {
  if (!others.length) return "";
  const words = first.split(" ");
  for (let count = words.length - 1; count > 0; count--) {
    const start = `${words.slice(0, count).join(" ")} `;
    if (others.every((name) => name.startsWith(start))) return start;
  }
  return "";
}
