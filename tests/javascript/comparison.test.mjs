/** The other period of a chart, and averages of dense samples. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  checkedComparison,
  comparedSpan,
  ghostOf,
} from "../../haystack_app/static/haystack_app/charts/comparison.js";
import {
  isDense,
  rolledUp,
} from "../../haystack_app/static/haystack_app/charts/roll_up.js";
import {
  columnsOf,
  sampleText,
  statsOf,
  trackOf,
} from "../../haystack_app/static/haystack_app/charts/track.js";
import { csvOf } from "../../haystack_app/static/haystack_app/charts/csv.js";

/** @import { Comparison } from "../../haystack_app/static/haystack_app/charts/comparison.js" */
/** @import { Dict } from "../../haystack_app/static/haystack_app/live.js" */

const ZONE = "America/New_York";

/** @param {string} text */
const at = (text) => Date.parse(text);

/**
 * @param {string} range
 * @param {[string, string]} span
 * @param {Comparison} comparison
 */
const compared = (range, [start, end], comparison) => {
  const found = comparedSpan(
    range,
    { start: at(start), end: at(end) },
    comparison,
    ZONE,
  );
  return [found.start, found.end].map((one) => new Date(one).toISOString());
};

test("a week and a year earlier, at the same hour of the clocks", () => {
  // the clocks went back on the first of November
  assert.deepEqual(
    compared("", ["2026-11-03T05:00:00Z", "2026-11-04T05:00:00Z"], "week"),
    ["2026-10-27T04:00:00.000Z", "2026-10-28T04:00:00.000Z"],
  );
  assert.deepEqual(
    compared("", ["2024-02-29T05:00:00Z", "2024-02-29T06:00:00Z"], "year"),
    ["2023-02-28T05:00:00.000Z", "2023-02-28T06:00:00.000Z"],
  );
});

test("the period before", () => {
  const march = /** @type {[string, string]} */ ([
    "2026-03-01T05:00:00Z",
    "2026-03-03T05:00:00Z",
  ]);
  assert.equal(compared("month", march, "before")[0], "2026-02-01T05:00:00.000Z");
  assert.equal(compared("year", march, "before")[0], "2025-03-01T05:00:00.000Z");
  assert.equal(compared("week", march, "before")[0], "2026-02-22T05:00:00.000Z");
  assert.equal(compared("today", march, "before")[0], "2026-02-28T05:00:00.000Z");
  assert.equal(
    compared("2026-03-01..2026-03-02", march, "before")[0],
    "2026-02-27T05:00:00.000Z",
  );
  const instants = /** @type {[string, string]} */ ([
    "2026-03-01T10:00:00Z",
    "2026-03-01T12:00:00Z",
  ]);
  assert.deepEqual(compared("", instants, "before"), [
    "2026-03-01T08:00:00.000Z",
    "2026-03-01T10:00:00.000Z",
  ]);
});

test("what an address may say", () => {
  assert.equal(checkedComparison("week"), "week");
  assert.equal(checkedComparison("decade"), "");
});

const RECORD = {
  id: /** @type {const} */ ({ _kind: "ref", val: "air" }),
  kind: "Number",
  dis: "Air",
};
const HOUR = 3600;

/** Four samples an hour: 1, 2, 3, and 10 times the hour. */
function dense() {
  /** @type {Dict[]} */
  const samples = [];
  for (let hour = 0; hour < 30; hour++)
    for (const [index, val] of [1, 2, 3, hour * 10].entries()) {
      const ts = new Date((hour * HOUR + index * 900) * 1000).toISOString();
      samples.push({ ts: { _kind: "dateTime", val: ts }, val });
    }
  return trackOf(RECORD, samples);
}

/** @returns {Dict[]} */
const rows = () =>
  Array.from({ length: 30 }, (_, hour) => ({
    ts: { _kind: "dateTime", val: new Date(hour * HOUR * 1000).toISOString() },
    avg: hour === 3 ? { _kind: "na" } : 5,
  }));

test("averages have the least and the greatest sample of each", () => {
  const rolled = rolledUp(dense(), rows());
  assert.equal(rolled.times.length, 30);
  assert.equal(rolled.times[0], HOUR / 2);
  assert.equal(sampleText(rolled, 5), "5 (1 to 50)");
  const { min, max } = statsOf(rolled, 0, 30 * HOUR);
  assert.deepEqual([min, max], [0, 290]);
  const [moments, values, low, high] = columnsOf(rolled);
  assert.equal(moments.length, 30);
  assert.equal(values[3], undefined); // the line goes on where an average is NA
  assert.deepEqual([low?.[3], high?.[3]], [1, 30]);
});

test("their CSV has all three", () => {
  const rolled = rolledUp(dense(), rows());
  const span = { start: 4 * HOUR * 1000, end: 5 * HOUR * 1000 };
  assert.equal(
    csvOf([rolled], span, "UTC"),
    "ts,Air avg,Air min,Air max\r\n1970-01-01T04:30:00+00:00,5,1,40\r\n",
  );
});

test("few samples, and steps, stay samples", () => {
  assert.equal(isDense(dense(), 3000, 1000), false);
  assert.equal(isDense(dense(), 5000, 1000), true);
  const step = trackOf({ ...RECORD, sp: { _kind: "marker" } }, []);
  assert.equal(isDense(step, 5000, 1000), false);
  const few = dense();
  assert.equal(rolledUp(few, rows().slice(0, 5)), few);
});

test("a ghost is later, and says what it is", () => {
  const track = dense();
  const ghost = ghostOf(track, 7 * 24 * HOUR, "week");
  assert.equal(ghost.name, "Air, a week earlier");
  assert.equal(ghost.times[0], 7 * 24 * HOUR);
  assert.equal(ghost.isGhost, true);
  assert.notEqual(ghost.id, track.id);
});
