/** Changes of a dashboard's content, and its variables. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  filled,
  titleOf,
} from "../../haystack_app/static/haystack_app/dashboards/content.js";
import {
  resized,
  withMovedSection,
  withMovedTile,
  withNewSection,
  withNewTile,
  withSection,
  withTile,
} from "../../haystack_app/static/haystack_app/dashboards/draft.js";

/** @import { Content, Tile } from "../../haystack_app/static/haystack_app/dashboards/content.js" */
/** @import { Rec } from "../../haystack_app/static/haystack_app/live.js" */

/** @param {string} title */
const tile = (title) =>
  /** @type {Tile} */ ({ kind: "number", title, filter: "point" });

/** @type {Content} */
const CONTENT = {
  sections: [
    { title: "A", tiles: [tile("1"), tile("2")] },
    { title: "B", tiles: [tile("3")] },
  ],
};

/** @param {Content} content */
const shape = ({ sections = [] }) =>
  sections.map(({ title, tiles = [] }) => [title, ...tiles.map((one) => one.title)]);

test("tiles move within their section and to the one beside it", () => {
  const first = { section: 0, tile: 0 };
  const [once, to] = withMovedTile(CONTENT, first, 1);
  assert.deepEqual(shape(once), [
    ["A", "2", "1"],
    ["B", "3"],
  ]);
  const [twice, next] = withMovedTile(once, to, 1);
  assert.deepEqual(shape(twice), [
    ["A", "2"],
    ["B", "1", "3"],
  ]);
  assert.deepEqual(next, { section: 1, tile: 0 });
  const [back] = withMovedTile(twice, next, -1);
  assert.deepEqual(shape(back), [
    ["A", "2", "1"],
    ["B", "3"],
  ]);
  assert.deepEqual(withMovedTile(CONTENT, first, -1), [CONTENT, first]);
  const last = { section: 1, tile: 0 };
  assert.deepEqual(withMovedTile(CONTENT, last, 1), [CONTENT, last]);
  assert.deepEqual(shape(CONTENT), [
    ["A", "1", "2"],
    ["B", "3"],
  ]);
});

test("sections and tiles are added, moved and removed", () => {
  assert.deepEqual(
    shape(withMovedSection(CONTENT, 0, 1)).map(([name]) => name),
    ["B", "A"],
  );
  assert.equal(withMovedSection(CONTENT, 0, -1), CONTENT);
  assert.equal(withMovedSection(CONTENT, 1, 1), CONTENT);
  assert.deepEqual(shape(withNewSection({})), [["New section"]]);
  assert.deepEqual(shape(withSection(CONTENT, 0, () => null)), [["B", "3"]]);
  const removed = withTile(CONTENT, { section: 0, tile: 1 }, () => null);
  assert.deepEqual(shape(removed), [
    ["A", "1"],
    ["B", "3"],
  ]);
  assert.equal(withNewTile(CONTENT, 1, "chart").sections?.[1]?.tiles?.length, 2);
});

test("sizes stay on the grid", () => {
  assert.equal(resized(tile("1"), { width: 1 }).width, 4);
  assert.equal(resized({ ...tile("1"), width: 12 }, { width: 1 }).width, 12);
  assert.equal(resized({ ...tile("1"), height: 1 }, { height: -1 }).height, 1);
});

test("variables stand for refs in filters and for names in titles", () => {
  /** @type {Rec} */
  const each = { id: { _kind: "ref", val: "ahu" }, dis: "AHU <1>" };
  assert.equal(filled("equipRef==$each", { each }), "equipRef==@ahu");
  assert.equal(filled("siteRef==$subject", { each }), "");
  assert.equal(filled("a==$eachOther", { each }), "a==$eachOther");
  const odd = { ...each, id: { ...each.id, val: "a b" } };
  assert.equal(filled("equipRef==$each", { each: odd }), "");
  assert.equal(
    titleOf({ ...tile(""), title: "Air of $each" }, { each }),
    "Air of AHU <1>",
  );
});
