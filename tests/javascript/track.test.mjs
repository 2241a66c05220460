/** Samples of points as they are drawn, summed up, read and saved. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  statusOf,
  ageText,
  holdOf,
} from "../../haystack_app/static/haystack_app/shared/freshness.js";
import { noteOf } from "../../haystack_app/static/haystack_app/charts/history_note.js";
import {
  addSample,
  columnsOf,
  commonStart,
  enumNames,
  isDrawn,
  sampleAt,
  sampleText,
  shareOfTrue,
  statsOf,
  trackOf,
} from "../../haystack_app/static/haystack_app/charts/track.js";

/** @import { Dict, Hayson, Rec } from "../../haystack_app/static/haystack_app/live.js" */

/** @type {Hayson} */
const NA = { _kind: "na" };
/** @type {Hayson} */
const MARKER = { _kind: "marker" };
const START = Date.UTC(2026, 10, 26) / 1000;

/** @param {number} minutes */
const ts = (minutes) => ({
  _kind: /** @type {const} */ ("dateTime"),
  val: new Date((START + minutes * 60) * 1000).toISOString(),
});

/**
 * @param {Dict} tags
 * @param {[number, Hayson][]} samples Minutes and values.
 */
function track(tags, samples) {
  /** @type {Rec} */
  const record = {
    id: { _kind: "ref", val: "a" },
    kind: "Number",
    dis: "Air",
    ...tags,
  };
  return trackOf(
    record,
    samples.map(([minutes, val]) => ({ ts: ts(minutes), val })),
  );
}

const degrees = (/** @type {number} */ val) => ({
  _kind: /** @type {const} */ ("number"),
  val,
  unit: "°F",
});

test("a line breaks at NA and at gaps", () => {
  const air = track({ unit: "°F" }, [
    [0, degrees(70)],
    [15, degrees(71)],
    [30, NA],
    [45, degrees(72)],
    [60, degrees(73)],
    [180, degrees(74)],
  ]);
  assert.equal(air.style, "line");
  const [times, values] = columnsOf(air);
  assert.deepEqual(values, [70, 71, null, 72, 73, null, 74]);
  assert.equal(times[5], START + 120 * 60);
  assert.equal(sampleText(air, 2), "NA");
  assert.equal(sampleText(air, 0), "70°F");
});

test("a few late samples are no gap", () => {
  const air = track({}, [
    [0, 1],
    [15, 2],
    [45, 3],
    [60, 4],
  ]);
  assert.equal(columnsOf(air)[1].includes(null), false);
});

test("set points hold until the next sample, or until now", () => {
  const set = track({ sp: MARKER }, [
    [0, 1],
    [600, 2],
  ]);
  assert.equal(set.style, "step");
  set.heldUntil = START + 700 * 60;
  assert.deepEqual(columnsOf(set)[1], [1, 2, 2]);
  assert.equal(sampleAt(set, START + 500 * 60), 0);
  assert.equal(sampleAt(set, START + 650 * 60), 1);
  assert.equal(sampleAt(set, START + 701 * 60), -1);
  assert.equal(sampleAt(set, START - 1), -1);
});

test("a line is read at the nearest sample, and not in a gap", () => {
  const air = track({}, [
    [0, 1],
    [15, 2],
    [30, 3],
    [300, 4],
  ]);
  assert.equal(sampleAt(air, START + 8 * 60), 1);
  assert.equal(sampleAt(air, START + 7 * 60), 0);
  assert.equal(sampleAt(air, START + 150 * 60), -1);
});

test("a span shows samples, values that hold, and lines that cross it", () => {
  const minutes = (/** @type {number} */ count) => START + count * 60;
  const air = track({}, [
    [0, 1],
    [15, 2],
    [30, 3],
    [300, 4],
  ]);
  assert.ok(isDrawn(air, minutes(14), minutes(16)));
  assert.ok(isDrawn(air, minutes(5), minutes(10)));
  assert.ok(!isDrawn(air, minutes(100), minutes(110)));
  assert.ok(!isDrawn(air, minutes(-10), minutes(-5)));
  assert.ok(!isDrawn(air, minutes(301), minutes(310)));
  const set = track({ sp: MARKER }, [[0, 1]]);
  set.heldUntil = minutes(60);
  assert.ok(isDrawn(set, minutes(30), minutes(40)));
  assert.ok(isDrawn(set, minutes(-10), minutes(1)));
  assert.ok(!isDrawn(set, minutes(61), minutes(70)));
  assert.ok(!isDrawn(set, minutes(-10), minutes(-5)));
});

test("Bools and words are bands", () => {
  const fan = track({ kind: "Bool", enum: "off,on" }, [
    [0, false],
    [30, true],
    [40, NA],
    [50, false],
  ]);
  fan.heldUntil = START + 60 * 60;
  assert.deepEqual([fan.style, fan.labels], ["band", ["off", "on"]]);
  assert.deepEqual(fan.values, [0, 1, null, 0]);
  assert.equal(shareOfTrue(fan), 10 / 50);
  const mode = track({ kind: "Str" }, [
    [0, "heat"],
    [10, "<img src=x>"],
    [20, "heat"],
  ]);
  assert.deepEqual(mode.values, [0, 1, 0]);
  assert.equal(sampleText(mode, 1), "<img src=x>");
});

test("sums are of what is shown", () => {
  const air = track({}, [
    [0, 100],
    [15, 1],
    [30, NA],
    [45, 3],
    [60, 100],
  ]);
  const within = statsOf(air, START + 60, START + 50 * 60);
  assert.deepEqual(within, { min: 1, max: 3, average: 2 });
  assert.equal(statsOf(air, START, START + 60 * 60).average, 51);
  const set = track({ sp: MARKER }, [
    [0, 7],
    [60, 9],
  ]);
  assert.equal(statsOf(set, START + 60, START + 50 * 60).max, 7);
  assert.ok(Number.isNaN(statsOf(track({}, []), 0, 1).min));
});

test("samples come in order, each once; values that no chart has are none", () => {
  const air = track({}, [
    [15, 1],
    [15, 2],
    [0, 3],
    [20, { _kind: "number", val: "NaN" }],
    [25, "word"],
  ]);
  assert.deepEqual(air.values, [1, null, null]);
  addSample(air, NaN, 4);
  assert.equal(air.values.length, 3);
});

test("names of an enum have four forms", () => {
  const names = ["off", "on"];
  /** @type {Hayson[]} */
  const forms = [
    "off, on",
    names,
    { off: MARKER, on: MARKER },
    { _kind: "grid", meta: {}, cols: [], rows: names.map((name) => ({ name })) },
  ];
  for (const form of forms) assert.deepEqual(enumNames(form), names);
  assert.deepEqual(enumNames(undefined), []);
});

test("points of one equip share the words of its name", () => {
  assert.equal(commonStart(["AHU 1 Air", "AHU 1 Fan"]), "AHU 1 ");
  assert.equal(commonStart(["AHU 1 Air", "AHU 11 Fan"]), "AHU ");
  assert.equal(commonStart(["Air", "Air"]), "");
  assert.equal(commonStart(["AHU 1 Air"]), "");
});

const NOW = Date.parse("2026-11-26T00:00:00Z");
/** @param {number} hours */
const before = (hours) => ({ ...ts(-60 * hours), tz: "UTC" });

test("a value of an old sample is stale", () => {
  const status = (/** @type {Dict} */ tags) =>
    statusOf({ curVal: 1, curStatus: "ok", ...tags }, NOW).status;
  assert.equal(status({ curSampleTs: before(240) }), "stale");
  assert.equal(status({ curSampleTs: before(23) }), "ok");
  assert.equal(status({ curSampleTs: before(24 * 6), hisMode: "cov" }), "ok");
  assert.equal(status({ curSampleTs: before(24 * 8), hisMode: "cov" }), "stale");
  const quarter = { _kind: /** @type {const} */ ("number"), val: 15, unit: "min" };
  assert.equal(
    status({ curSampleTs: before(1), hisCollectInterval: quarter }),
    "stale",
  );
  assert.equal(status({ curSampleTs: before(240), curStatus: "fault" }), "fault");
  assert.equal(status({}), "ok");
  assert.equal(holdOf({ hisCollectInterval: quarter }), 45 * 60_000);
  assert.equal(holdOf({}), 7 * 86_400_000);
  assert.equal(ageText(240 * 3_600_000), "10 days");
  assert.equal(ageText(1), "1 minute");
});

test("an empty chart says why, and where samples are", () => {
  const span = { start: NOW - 3_600_000, end: NOW };
  const shown = { range: "today", span, zone: "UTC" };
  const note = (/** @type {Dict} */ tags) =>
    noteOf([{ id: { _kind: "ref", val: "a" }, ...tags }], [], shown, NOW);
  assert.match(note({}).text, /without the tag his/);
  assert.match(note({ his: MARKER }).text, /No samples have been stored/);
  const old = note({ his: MARKER, hisStart: before(9000), hisEnd: before(240) });
  assert.match(old.text, /The last one is 10 days ago \(Mon, 16 Nov 2026, 00:00\)/);
  assert.equal(old.range, "2026-11-16..2026-11-16");
  const later = { hisStart: before(-48), hisEnd: before(-72) };
  assert.match(note(later).text, /The first one is of Sat, 28 Nov/);
});

test("old samples that are shown say so, too", () => {
  const air = track({}, [[0, 1]]);
  const span = { start: NOW - 30 * 86_400_000, end: NOW };
  const record = {
    id: { _kind: /** @type {const} */ ("ref"), val: "a" },
    hisEnd: before(48),
  };
  const note = noteOf([record], [air], { range: "30d", span, zone: "UTC" }, NOW);
  assert.match(note.text, /^The last sample is 2 days ago/);
  air.all = { count: 30_000, average: 1, isExact: true };
  const past = { range: "2026-11-01..2026-11-26", span, zone: "UTC" };
  assert.match(noteOf([record], [air], past, NOW).text, /^1 of 30,000 samples/);
});
