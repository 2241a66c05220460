/** Texts of values in the explorer. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  differences,
  filterId,
  instantOf,
  nameOf,
  numberText,
  textOf,
  whenText,
} from "../../haystack_app/static/haystack_app/shared/values.js";

/**
 * @import { Dict, Hayson, HaysonRef } from "../../haystack_app/static/haystack_app/live.js"
 */

test("each kind has a text", () => {
  /** @type {[Hayson | undefined, string][]} */
  const texts = [
    [null, ""],
    [undefined, ""],
    ["a <b>", "a <b>"],
    [false, "false"],
    [5, "5"],
    [{ _kind: "number", val: 71.456, unit: "°F" }, "71.46°F"],
    [{ _kind: "number", val: 8823, unit: "cfm" }, "8,823 cfm"],
    [{ _kind: "number", val: "NaN" }, "NaN"],
    [{ _kind: "marker" }, "✓"],
    [{ _kind: "na" }, "NA"],
    [{ _kind: "ref", val: "a", dis: "Air" }, "Air"],
    [{ _kind: "ref", val: "a" }, "@a"],
    [{ _kind: "symbol", val: "elec" }, "^elec"],
    [
      { _kind: "dateTime", val: "2026-11-25T10:30:00-05:00", tz: "New_York" },
      "2026-11-25 10:30:00 New_York",
    ],
    [{ _kind: "dateTime", val: "2026-11-25T10:30:00Z" }, "2026-11-25 10:30:00 UTC"],
    [{ _kind: "date", val: "2026-11-25" }, "2026-11-25"],
    [{ _kind: "time", val: "10:30:00" }, "10:30:00"],
    [{ _kind: "uri", val: "http://x/" }, "http://x/"],
    [{ _kind: "coord", lat: 1.5, lng: -2 }, "1.5, -2"],
    [{ _kind: "xstr", type: "Color", val: "red" }, 'Color("red")'],
    [[1, "a", { _kind: "ref", val: "b" }], "[1, a, @b]"],
    [{ site: { _kind: "marker" }, area: 5 }, "{site, area: 5}"],
    [{ _kind: "grid", meta: {}, cols: [], rows: [{}, {}] }, "grid of 2 rows"],
  ];
  for (const [value, text] of texts) assert.equal(textOf(value), text);
});

test("texts of long, deep and unknown values are short", () => {
  /** @type {Hayson} */
  let deep = 1;
  for (let depth = 0; depth < 1000; depth++) deep = [deep];
  assert.equal(textOf(deep), "[[[[…]]]]");
  assert.equal(textOf("x".repeat(1000)).length, 401);
  for (const kind of ["constructor", "toString", "__proto__"]) {
    const unknown = /** @type {Hayson} */ (
      /** @type {unknown} */ ({ _kind: kind, a: 1 })
    );
    assert.equal(textOf(unknown), "{a: 1}");
  }
});

test("numbers are rounded to the digits that matter", () => {
  assert.equal(numberText(0.001234), "0.00123");
  assert.equal(numberText(0), "0");
  assert.equal(numberText(-12.345), "-12.35");
  assert.equal(numberText(1234.56, "kW"), "1,234.6 kW");
  assert.equal(numberText(1234567.8, "kWh"), "1,234,568 kWh");
});

test("a record is named by the first naming tag that it has", () => {
  /** @type {HaysonRef} */
  const id = { _kind: "ref", val: "a" };
  assert.equal(nameOf({ id, dis: "Air", navName: "Nav" }), "Air");
  assert.equal(nameOf({ id, navName: "Nav" }), "Nav");
  assert.equal(nameOf({ id }), "@a");
  assert.equal(nameOf({ id, dis: { _kind: "marker" } }), "✓");
});

test("only valid ids become refs in a filter", () => {
  assert.equal(filterId("north.b1:x-y~z"), "@north.b1:x-y~z");
  assert.equal(filterId("a or site"), "");
});

test("an instant of today is a time, any other a date", () => {
  const now = new Date(2026, 10, 25, 12, 0, 0);
  assert.equal(whenText(+new Date(2026, 10, 25, 9, 5, 7), now), "09:05:07");
  assert.equal(whenText(+new Date(2026, 10, 24, 9, 5, 7), now), "24 Nov");
  assert.equal(whenText(instantOf(undefined), now), "");
});

test("tags that differ are listed by name, from what to what", () => {
  /** @type {Dict} */
  const before = { _kind: "dict", unit: "°F", area: 3 };
  /** @type {Dict} */
  const after = { _kind: "dict", unit: "°C", ahu: { _kind: "marker" } };
  assert.deepEqual(differences(before, after), [
    "ahu: none → ✓",
    "area: 3 → none",
    "unit: °F → °C",
  ]);
});
