/** Words and filters: what is found, and what is proposed. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { proposalFor } from "../../haystack_app/static/haystack_app/explorer/filter_problem.js";
import {
  find,
  isPlain,
  wordsOf,
} from "../../haystack_app/static/haystack_app/explorer/words.js";

/** @import { Dict, Rec } from "../../haystack_app/static/haystack_app/live.js" */

/**
 * @param {string} id
 * @param {Dict} [tags]
 * @returns {Rec}
 */
const record = (id, tags = {}) => ({ id: { _kind: "ref", val: id }, ...tags });
const ref = (/** @type {string} */ val) => ({
  _kind: /** @type {const} */ ("ref"),
  val,
});

const RECORDS = [
  record("hq", { dis: "Northfield Hall" }),
  record("ahu", { dis: "AHU-1", siteRef: ref("hq") }),
  record("p.1", { dis: "Discharge Temp", siteRef: ref("hq"), equipRef: ref("ahu") }),
  record("p.2", { navName: "Return Temp", siteRef: ref("gone"), equipRef: ref("ahu") }),
];

test("every word is in the names of the entity, its site or its equip", () => {
  assert.deepEqual(find(RECORDS, "north ahu-1 discharge"), ["p.1"]);
  assert.deepEqual(find(RECORDS, "AHU-1"), ["ahu", "p.1", "p.2"]);
  assert.deepEqual(find(RECORDS, "northfield"), ["hq", "ahu", "p.1"]);
  assert.deepEqual(find(RECORDS, "p.2"), ["p.2"]);
  assert.deepEqual(find(RECORDS, "temp cooling"), []);
  assert.deepEqual(find(RECORDS, "  "), []);
  assert.deepEqual(wordsOf(' "North, AHU" '), ["north", "ahu"]);
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
