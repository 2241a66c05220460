/**
 * What the page shows, as the query string of its address says.
 *
 * @module
 */

import { FIRST_RANGE, checkedRange } from "./ranges.js";

export const FIRST_FILTER = "point and cur";
/** Points on one chart at most: more lines are hard to distinguish. */
export const MOST_POINTS = 12;

/**
 * @typedef {object} View
 * @property {string} filter Text of the filter box.
 * @property {"" | "filter"} reading `filter` if the text must not be read as words.
 * @property {string[]} ids The record that is open, or several points on one chart.
 * @property {string} range Of the chart.
 * @property {"point" | "browser"} zone Whose times the chart shows.
 * @property {"" | "overrides"} list The list that is open instead of a record.
 */

/**
 * @param {string} search Query string.
 * @returns {View}
 */
export function viewOf(search) {
  const query = new URLSearchParams(search);
  const points = (query.get("points") ?? "").split(",").filter(Boolean);
  const id = query.get("id");
  return {
    filter: query.get("filter")?.trim() || FIRST_FILTER,
    reading: query.get("as") === "filter" ? "filter" : "",
    ids: points.length ? [...new Set(points)].slice(0, MOST_POINTS) : id ? [id] : [],
    range: checkedRange(query.get("range") ?? ""),
    zone: query.get("tz") === "browser" ? "browser" : "point",
    list: query.get("list") === "overrides" ? "overrides" : "",
  };
}

/**
 * @param {View} view
 * @returns {string} The query string, without what is so by itself.
 */
export function searchOf({ filter, reading, ids, range, zone, list }) {
  const query = new URLSearchParams();
  if (filter !== FIRST_FILTER) query.set("filter", filter);
  if (reading) query.set("as", reading);
  if (ids.length === 1 && ids[0]) query.set("id", ids[0]);
  if (ids.length > 1) query.set("points", ids.join(","));
  if (range !== FIRST_RANGE) query.set("range", range);
  if (zone !== "point") query.set("tz", zone);
  if (list) query.set("list", list);
  return String(query);
}
