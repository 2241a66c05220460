/** Words and filters: what is found, and what is proposed. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { proposalFor } from "../../haystack_app/static/haystack_app/explorer/filter_problem.js";
import {
  isPlain,
  wordsOf,
} from "../../haystack_app/static/haystack_app/explorer/words.js";

test("the words of a text are without quotes and commas", () => {
  assert.deepEqual(wordsOf(' "North, AHU" '), ["north", "ahu"]);
  assert.deepEqual(wordsOf("  "), []);
});

test("only plain words are searched when a filter finds nothing", () => {
  for (const text of ["Northfield", "Überlauf 2", "ahu-1"]) assert.ok(isPlain(text));
  for (const text of ["curVal > 5", "a->b", 'dis=="x"', "@p"])
    assert.ok(!isPlain(text));
});

test("habits of other languages become filters", () => {
  const proposals = {
    "point && cur": "point and cur",
    "point & !cur | ahu": "point and not cur or ahu",
    "curVal=5": "curVal==5",
    "curVal>=5 AND NOT dis='AND'": 'curVal>=5 and not dis=="AND"',
    "dis <> “Hall”": 'dis != "Hall"',
    "point and": "point",
    "(point and (cur or his)": "(point and (cur or his))",
    'dis=="Hall': 'dis=="Hall"',
    'dis=="a = b && c"': 'dis=="a = b && c"',
    "point and curVal > 5": "point and curVal > 5",
  };
  for (const [text, expected] of Object.entries(proposals))
    assert.equal(proposalFor(text), expected);
});
