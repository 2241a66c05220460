/** What counters have counted. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { countedIn } from "../../haystack_app/static/haystack_app/dashboards/counter.js";

test("readings at the ends of a span", () => {
  const readings = /** @type {[number, number][]} */ ([
    [0, 100],
    [10, 110],
    [20, 130],
  ]);
  assert.equal(countedIn(readings, { start: 0, end: 20 }), 30);
  assert.equal(countedIn(readings, { start: 0, end: 10 }), 10);
  assert.equal(countedIn(readings, { start: -50, end: 90 }), 30);
});

test("between readings the meter goes on evenly", () => {
  const readings = /** @type {[number, number][]} */ ([
    [0, 100],
    [10, 120],
  ]);
  assert.equal(countedIn(readings, { start: 5, end: 7 }), 4);
});

test("after a reset the reading counts from zero", () => {
  const readings = /** @type {[number, number][]} */ ([
    [0, 990],
    [10, 1000],
    [20, 7],
    [30, 9],
  ]);
  assert.equal(countedIn(readings, { start: 0, end: 30 }), 19);
});

test("nothing is known of a single reading, or of another time", () => {
  assert.ok(Number.isNaN(countedIn([[5, 1]], { start: 0, end: 10 })));
  assert.ok(Number.isNaN(countedIn([], { start: 0, end: 10 })));
  const early = /** @type {[number, number][]} */ ([
    [0, 1],
    [1, 2],
  ]);
  assert.ok(Number.isNaN(countedIn(early, { start: 5, end: 10 })));
});
