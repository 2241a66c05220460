/**
 * What the page of a dashboard shows, as the query string of its address says.
 *
 * @module
 */

import { checkedComparison } from "../charts/comparison.js";
import { checkedRange } from "../charts/ranges.js";

/** @import { Comparison } from "../charts/comparison.js" */
/** @import { ZoneChoice } from "../charts/range_bar.js" */

/**
 * @typedef {object} View
 * @property {string} range Of all charts.
 * @property {ZoneChoice} zone Whose times the charts show.
 * @property {Comparison} comparison The other period that the charts show.
 * @property {string} subject Id of the entity that was chosen; empty for the first.
 * @property {boolean} isWall Whether there is nothing but the tiles.
 */

/**
 * @param {string} search Query string.
 * @param {string} usual The range of the dashboard.
 * @returns {View}
 */
export function viewOf(search, usual) {
  const query = new URLSearchParams(search);
  return {
    range: checkedRange(query.get("range") || usual),
    zone: query.get("tz") === "browser" ? "browser" : "point",
    comparison: checkedComparison(query.get("compare") ?? ""),
    subject: query.get("subject") ?? "",
    isWall: query.has("wall"),
  };
}

/**
 * @param {View} view
 * @param {string} usual
 * @returns {string} The query string, without what is so by itself.
 */
export function searchOf({ range, zone, comparison, subject, isWall }, usual) {
  const query = new URLSearchParams();
  if (range !== checkedRange(usual)) query.set("range", range);
  if (zone !== "point") query.set("tz", zone);
  if (comparison) query.set("compare", comparison);
  if (subject) query.set("subject", subject);
  if (isWall) query.set("wall", "1");
  return String(query);
}
