/** The CSV of a chart, and of records. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  csvOf,
  csvOfRecords,
} from "../../haystack_app/static/haystack_app/charts/csv.js";
import { trackOf } from "../../haystack_app/static/haystack_app/charts/track.js";

/** @import { Dict, Hayson } from "../../haystack_app/static/haystack_app/live.js" */

/**
 * @param {string} id
 * @param {Dict} tags
 * @param {[string, Hayson][]} samples
 */
const track = (id, tags, samples) =>
  trackOf(
    { id: { _kind: "ref", val: id }, ...tags },
    samples.map(([val, value]) => ({ ts: { _kind: "dateTime", val }, val: value })),
  );

const SPAN = {
  start: Date.parse("2026-11-26T10:00:00Z"),
  end: Date.parse("2026-11-26T11:00:00Z"),
};

test("samples beside the span are left out, but for one that holds", () => {
  /** @type {[string, Hayson][]} */
  const samples = [
    ["2026-11-26T09:45:00Z", 1],
    ["2026-11-26T10:15:00Z", 2],
    ["2026-11-26T11:15:00Z", 3],
  ];
  const air = track("air", { kind: "Number", dis: "Air" }, samples);
  const set = track("set", { kind: "Number", dis: "Set", hisMode: "cov" }, samples);
  assert.equal(
    csvOf([air, set], SPAN, "UTC"),
    "ts,Air,Set\r\n2026-11-26T09:45:00+00:00,,1\r\n2026-11-26T10:15:00+00:00,2,2\r\n",
  );
});

test("a row has the values of all points at a moment, in full", () => {
  const air = track("air", { kind: "Number", unit: "°F", dis: "Air, supply" }, [
    ["2026-11-26T10:00:00Z", { _kind: "number", val: 70.123456789, unit: "°F" }],
    ["2026-11-26T10:15:00.5Z", { _kind: "na" }],
  ]);
  const mode = track("mode", { kind: "Str", dis: "=1+1" }, [
    ["2026-11-26T10:00:00Z", '=HYPERLINK("x")'],
    ["2026-11-26T09:00:00Z", "dropped: not in order"],
  ]);
  assert.equal(
    csvOf([air, mode], SPAN, "America/New_York"),
    'ts,"Air, supply (°F)",\'=1+1\r\n' +
      '2026-11-26T05:00:00-05:00,70.123456789,"\'=HYPERLINK(""x"")"\r\n' +
      "2026-11-26T05:15:00.500-05:00,NA,\r\n",
  );
});

test("records have their ids, and no cell is a formula", () => {
  /** @type {Dict} */
  const values = { curVal: { _kind: "number", val: 70.5, unit: "°F" }, note: "=1+1" };
  const air = { id: /** @type {const} */ ({ _kind: "ref", val: "air" }), dis: "A, b" };
  assert.equal(
    csvOfRecords(["dis", "curVal", "note", "none"], [{ ...air, ...values }]),
    "id,dis,curVal,note,none\r\n'@air,\"A, b\",70.5,'=1+1,\r\n",
  );
});
