/**
 * What a dashboard shows: sections of tiles, as the server keeps them.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { filterId, nameOf } from "../shared/values.js";

/** @import { Rec } from "../live.js" */

/** @typedef {"chart" | "table" | "number"} Kind */

/**
 * @typedef {object} Tile
 * @property {Kind} kind
 * @property {string} [title]
 * @property {string} filter May refer to `$subject` and `$each`.
 * @property {number} [width] Columns of twelve.
 * @property {number} [height] Rows.
 * @property {string[]} [columns] Tags of a table.
 * @property {string} [fold] Of a number.
 */

/**
 * @typedef {object} Section
 * @property {string} [title]
 * @property {string} [each] A filter: the tiles are repeated for each match.
 * @property {Tile[]} [tiles]
 */

/** @typedef {{subject?: string, sections?: Section[]}} Content */

/**
 * A dashboard, as the API has it.
 *
 * @typedef {object} Dashboard
 * @property {string} slug
 * @property {string} title
 * @property {string[]} groups
 * @property {boolean} everyone
 * @property {string} range
 * @property {Content} content
 * @property {number} version
 * @property {boolean} mayChange
 */

/** @typedef {{subject?: Rec, each?: Rec}} Chosen Entities that filters refer to. */

export const COLUMNS = 12;
export const MOST_ROWS = 8;
/** Matches for which the tiles of a section are repeated, at most. */
export const MOST_MATCHES = 24;

/** @type {[Kind, string][]} */
export const KINDS = [
  ["chart", gettext("Chart")],
  ["table", gettext("Table")],
  ["number", gettext("Number")],
];

/** @type {[string, string][]} What a number is of the points that match. */
export const FOLDS = [
  ["value", gettext("Value of the first")],
  ["avg", gettext("Average")],
  ["min", gettext("Least")],
  ["max", gettext("Greatest")],
  ["sum", gettext("Sum")],
  ["count", gettext("Number of matches")],
  ["consumption", gettext("Consumption in the range, of counters")],
];

/** @type {Record<Kind, [number, number]>} Width and height of a new tile. */
const SIZES = { chart: [6, 4], table: [6, 4], number: [3, 2] };

/** @param {Tile} tile */
export const widthOf = ({ kind, width }) => width ?? SIZES[kind][0];

/** @param {Tile} tile */
export const heightOf = ({ kind, height }) => height ?? SIZES[kind][1];

/**
 * A filter with refs in place of its variables.
 *
 * @param {string} filter
 * @param {Chosen} chosen
 * @returns {string} Empty if a filter cannot express one of the ids.
 */
export function filled(filter, chosen) {
  let isComplete = true;
  const text = filter.replace(/\$(subject|each)\b/g, (_, name) => {
    const record = chosen[/** @type {"subject" | "each"} */ (name)];
    const ref = record ? filterId(record.id.val) : "";
    isComplete &&= ref !== "";
    return ref;
  });
  return isComplete ? text : "";
}

/**
 * @param {Tile} tile
 * @param {Chosen} chosen
 * @returns {string} The title, with the names of what it refers to.
 */
export const titleOf = ({ title = "" }, chosen) =>
  title.replace(/\$(subject|each)\b/g, (_, name) => {
    const record = chosen[/** @type {"subject" | "each"} */ (name)];
    return record ? nameOf(record) : "";
  });
