/**
 * Reading the history of a point for a chart: not more samples than it has pixels for.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { isDense, rolledUp } from "./roll_up.js";
import { SAMPLES_A_SPAN, addSample, styleOf, trackOf } from "./track.js";
import { shownNumber } from "../shared/units.js";
import { instantOf, isNa, withoutUnit } from "../shared/values.js";

/** @import { Dict, Live, Rec } from "../live.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const FEWEST = 400;
/** Samples of a line that do not tell its interval. */
const FEW = 3;
/** Milliseconds around a span with few samples in which the line leads into it. */
const SHORTEST_PAD = 7_200_000;
const LONGEST_PAD = 86_400_000;
const MOST = 20_000;
/** Rows of the roll-up that the average of very many samples is made of. */
const BUCKETS = 500;
/** How far back the value is looked for that holds when a span begins. */
const LOOK_BACK = 30 * 86_400_000;

/**
 * @param {Live["call"]} call
 * @param {Rec} record Of a point.
 * @param {Span} span
 * @param {object} detail
 * @param {number} detail.width Pixels of the chart.
 * @param {number} detail.margin Milliseconds before and after the span in which the
 *   lines that lead into it begin.
 * @returns {Promise<Track>}
 */
export async function readTrack(call, record, span, { width, margin }) {
  const style = styleOf(record);
  const length = span.end - span.start;
  let pad = style === "line" ? margin : 0;
  let { rows, most } = await readPadded(call, record, span, { width, pad });
  if (style === "line" && !pad && rows.length < FEW) {
    pad = Math.min(LONGEST_PAD, Math.max(SHORTEST_PAD, length));
    ({ rows, most } = await readPadded(call, record, span, { width, pad }));
  }
  const first = instantOf(rows[0]?.ts);
  if (style !== "line" && !(first <= span.start)) {
    const before = { start: span.start - LOOK_BACK, end: span.start };
    const earlier = await readSamples(call, record, before, { maxPoints: 4 });
    rows.unshift(...earlier.slice(-1));
  }
  const spanLength = ((length + 2 * pad) / 1000 / most) * SAMPLES_A_SPAN;
  const isDecimated = mayBeDecimated(record, most, rows.length);
  return trackOf(record, rows, isDecimated ? spanLength : 0);
}

/**
 * @param {Live["call"]} call
 * @param {Rec} record
 * @param {Span} span
 * @param {{width: number, pad: number}} detail
 */
async function readPadded(call, record, { start, end }, { width, pad }) {
  const scale = (end - start + 2 * pad) / (end - start);
  const wanted = Math.max(FEWEST, SAMPLES_A_SPAN * width * scale);
  const most = Math.round(Math.min(MOST, wanted));
  const whole = { start: start - pad, end: end + pad };
  return { most, rows: await readSamples(call, record, whole, { maxPoints: most }) };
}

/**
 * Count all samples of the span, if only some of them were read, and average them.
 * Where samples are dense, the track becomes one of averages.
 *
 * @param {Live["call"]} call
 * @param {Rec} record
 * @param {Span} span
 * @param {Track} track
 * @param {number} width Pixels of the chart.
 * @returns {Promise<Track>}
 */
export async function completed(call, record, span, track, width) {
  if (record.kind !== "Number" || !mayBeDecimated(record, FEWEST, track.times.length))
    return track;
  const rows = await readSamples(call, record, span, {
    rollup: "avg,count",
    maxPoints: BUCKETS,
  });
  let [total, sum, weight, isExact] = [0, 0, 0, true];
  for (const { avg, count } of rows) {
    const [average, samples] = [withoutUnit(avg), withoutUnit(count)];
    if (typeof samples !== "number") continue;
    total += samples;
    if (typeof average === "number") {
      sum += average * samples;
      weight += samples;
    } else isExact &&= !isNa(avg);
  }
  if (total <= track.times.length) return track;
  const average = shownNumber(sum / weight, track.storedUnit);
  const whole = { ...track, all: { count: total, average, isExact } };
  const isCounter = "hisTotalized" in record;
  return !isCounter && isDense(track, total, width) ? rolledUp(whole, rows) : whole;
}

/**
 * Append the current value, unless it came with a sample, which the history has.
 *
 * @param {Track} track
 * @param {Dict} record
 * @param {number} now Milliseconds since 1970.
 */
export function addCurrent(track, record, now) {
  if (record.curVal != null && record.curSampleTs == null)
    addSample(track, now / 1000, record.curVal);
}

/**
 * @param {Live["call"]} call
 * @param {Rec} record
 * @param {Span} span
 * @param {Dict} options
 * @returns {Promise<Dict[]>}
 */
async function readSamples(call, record, { start, end }, options) {
  const at = (/** @type {number} */ instant) =>
    new Date(Math.round(instant)).toISOString();
  const range = `${at(start)},${at(end)}`;
  const request = gridOf([{ id: refOf(record.id.val), range, ...options }]);
  return (await call("hisRead", request)).rows;
}

/**
 * @param {Dict} record
 * @param {number} most Samples that were requested.
 * @param {number} count Samples that were returned.
 */
function mayBeDecimated({ hisSize }, most, count) {
  const size = withoutUnit(hisSize);
  return typeof size === "number" && size > most && count >= most / SAMPLES_A_SPAN;
}
