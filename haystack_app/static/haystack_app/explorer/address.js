/**
 * What the page shows, as the query string of its address says.
 *
 * @module
 */

import { checkedComparison } from "../charts/comparison.js";
import { FIRST_RANGE, checkedRange } from "../charts/ranges.js";
import { MOST_POINTS } from "../charts/track.js";
import { FIRST_COLUMNS, MOST_COLUMNS, NAME, isFirst } from "./columns.js";

/** @import { Comparison } from "../charts/comparison.js" */

export const FIRST_FILTER = "point and cur";
const TAG = /^[a-z][A-Za-z0-9_]*$/;
const LISTS = /** @type {const} */ (["overrides", "trash", "writes", "add"]);

/** @typedef {"" | typeof LISTS[number]} List */

/**
 * @typedef {object} View
 * @property {string} filter Text of the filter box.
 * @property {"" | "filter"} reading `filter` if the text must not be read as words.
 * @property {string[]} ids The record that is open, or several points on one chart.
 * @property {string} range Of the chart.
 * @property {"point" | "browser"} zone Whose times the chart shows.
 * @property {Comparison} comparison The other period that the chart shows.
 * @property {List} list The list that is open instead of a record.
 * @property {string[]} columns Tags, after the name.
 * @property {string} sort A tag, with `-` before it for descending order.
 * @property {Record<string, string>} only Texts that columns must have, by their tags.
 */

/**
 * @param {string} search Query string.
 * @returns {View}
 */
export function viewOf(search) {
  const query = new URLSearchParams(search);
  const points = (query.get("points") ?? "").split(",").filter(Boolean);
  const id = query.get("id");
  const sort = query.get("sort") ?? NAME;
  return {
    filter: query.get("filter")?.trim() || FIRST_FILTER,
    reading: query.get("as") === "filter" ? "filter" : "",
    ids: points.length ? [...new Set(points)].slice(0, MOST_POINTS) : id ? [id] : [],
    range: checkedRange(query.get("range") ?? ""),
    zone: query.get("tz") === "browser" ? "browser" : "point",
    comparison: checkedComparison(query.get("compare") ?? ""),
    list: LISTS.find((one) => one === query.get("list")) ?? "",
    columns: columnsOf(query.get("columns")),
    sort: TAG.test(sort.replace(/^-/, "")) ? sort : NAME,
    only: Object.fromEntries(query.getAll("only").flatMap(onlyOf)),
  };
}

/** @param {string | null} text */
function columnsOf(text) {
  if (text === null) return FIRST_COLUMNS;
  const tags = text.split(",").filter((tag) => TAG.test(tag) && tag !== NAME);
  return [...new Set(tags)].slice(0, MOST_COLUMNS);
}

/** @param {string} text Such as `curStatus:fault`. */
function onlyOf(text) {
  const at = text.indexOf(":");
  const tag = text.slice(0, at);
  return at > 0 && TAG.test(tag) && text.length > at + 1
    ? [[tag, text.slice(at + 1)]]
    : [];
}

/**
 * @param {View} view
 * @returns {string} The query string, without what is so by itself.
 */
export function searchOf(view) {
  const { filter, reading, ids, range, zone, comparison, list } = view;
  const { columns, sort, only } = view;
  const query = new URLSearchParams();
  if (filter !== FIRST_FILTER) query.set("filter", filter);
  if (reading) query.set("as", reading);
  if (ids.length === 1 && ids[0]) query.set("id", ids[0]);
  if (ids.length > 1) query.set("points", ids.join(","));
  if (range !== FIRST_RANGE) query.set("range", range);
  if (zone !== "point") query.set("tz", zone);
  if (comparison) query.set("compare", comparison);
  if (list) query.set("list", list);
  if (!isFirst(columns)) query.set("columns", columns.join(","));
  if (sort !== NAME) query.set("sort", sort);
  for (const [tag, text] of Object.entries(only))
    query.append("only", `${tag}:${text}`);
  return String(query);
}
