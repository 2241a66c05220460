/** What a filter may go on with, and values as filters have them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { arranged } from "../../haystack_app/static/haystack_app/explorer/arrangement.js";
import { compareKeys } from "../../haystack_app/static/haystack_app/explorer/columns.js";
import { contextAt } from "../../haystack_app/static/haystack_app/explorer/filter_context.js";
import { filterLiteral } from "../../haystack_app/static/haystack_app/shared/values.js";

test("what is expected at the caret", () => {
  const expected = {
    "": ["tag", "", ""],
    si: ["tag", "", "si"],
    "site ": ["operator", "site", ""],
    "site an": ["operator", "site", "an"],
    "site and ": ["tag", "", ""],
    "not ": ["tag", "", ""],
    "not si": ["tag", "", "si"],
    "(poi": ["tag", "", "poi"],
    "(point)": ["connective", "", ""],
    "area>": ["value", "area", ""],
    "area > 1": ["value", "area", "1"],
    "area > 100 ": ["connective", "", ""],
    "siteRef->": ["tag", "siteRef", ""],
    "siteRef->ar": ["tag", "siteRef", "ar"],
    "siteRef->area ": ["operator", "area", ""],
    "siteRef == @no": ["value", "siteRef", "@no"],
    'dis == "No': ["value", "dis", '"No'],
    'dis == "No and ': ["value", "dis", '"No and '],
    'dis == "a" o': ["connective", "", "o"],
  };
  for (const [text, [expects, tag, typed]] of Object.entries(expected)) {
    const { start, ...found } = contextAt(text, text.length);
    assert.deepEqual(found, { expects, tag, typed }, text);
    assert.equal(text.slice(start), typed, text);
  }
});

test("what follows the caret does not count", () => {
  assert.deepEqual(contextAt("si and area > 5", 2), {
    ...{ expects: "tag", tag: "", typed: "si", start: 0 },
  });
});

test("values as filters have them", () => {
  const expected = /** @type {const} */ ([
    ['a "b" $', '"a \\"b\\" \\$"'],
    [5, "5"],
    [true, "true"],
    [{ _kind: "number", val: 5, unit: "°F" }, "5°F"],
    [{ _kind: "number", val: "INF" }, ""],
    [{ _kind: "ref", val: "north.b1", dis: "North" }, "@north.b1"],
    [{ _kind: "ref", val: "a b" }, ""],
    [{ _kind: "date", val: "2024-03-01" }, "2024-03-01"],
    [{ _kind: "uri", val: "/a`b" }, "`/a\\`b`"],
    [{ _kind: "marker" }, ""],
    [[5], ""],
    [null, ""],
  ]);
  for (const [value, literal] of expected)
    assert.equal(filterLiteral(/** @type {any} */ (value)), literal);
});

test("numbers come before texts, and what is missing is last", () => {
  const keys = [undefined, "x 10", 5, "x 2", 3];
  const up = [...keys].sort((a, b) => compareKeys(a, b, 1));
  const down = [...keys].sort((a, b) => compareKeys(a, b, -1));
  assert.deepEqual(up, [3, 5, "x 2", "x 10", undefined]);
  assert.deepEqual(down, ["x 10", "x 2", 5, 3, undefined]);
});

test("many rows are sorted as few are", async () => {
  const rows = Array.from({ length: 5_500 }, (_, index) => (index * 7919) % 5_501);
  let seen = 0;
  const found = await arranged(
    rows,
    () => seen++,
    (a, b) => a - b,
  );
  assert.equal(seen, rows.length);
  assert.deepEqual(
    found,
    [...rows].sort((a, b) => a - b),
  );
});
