/**
 * Columns of the table: tags, of which four have a form of their own.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { ageText, statusOf } from "../shared/freshness.js";
import { valueText } from "../shared/units.js";
import { instantOf, textOf, whenText, withoutUnit } from "../shared/values.js";

/** @import { HaysonRef, Rec } from "../live.js" */

/** The tag that stands for the name of a record, which is always the first column. */
export const NAME = "dis";
export const FIRST_COLUMNS = ["curVal", "curStatus", "writeVal", "hisEnd"];
export const MOST_COLUMNS = 20;

/** @type {Record<string, string>} */
const TITLES = {
  [NAME]: gettext("Name"),
  curVal: gettext("Value"),
  curStatus: gettext("Status"),
  writeVal: gettext("Written"),
  hisEnd: gettext("Changed"),
  siteRef: gettext("Site"),
  spaceRef: gettext("Space"),
  equipRef: gettext("Equip"),
};
/** @type {Record<string, string>} */
const CLASSES = {
  curVal: "number value",
  writeVal: "number written",
  hisEnd: "number changed",
};
/** What rows show, and what says how old their values are. */
const ALWAYS =
  "dis navName name kind his curVal curStatus curSampleTs writeVal writeLevel hisEnd hisMode hisCollectCov hisCollectInterval".split(
    " ",
  );
const COLLATOR = new Intl.Collator("en", { numeric: true });

/**
 * A record, and when its values changed, in milliseconds since 1970.
 *
 * @typedef {{record: Rec, name: string, changed: number}} Shown
 */

/** @typedef {string | number | undefined} Key What rows are sorted by. */

/** @param {string} tag */
export const titleOf = (tag) => TITLES[tag] ?? tag;

/** @param {string} tag */
export const classOf = (tag) => CLASSES[tag] ?? "";

/** @param {string[]} columns */
export const isFirst = (columns) => columns.join() === FIRST_COLUMNS.join();

/**
 * The tags to read for these columns.
 *
 * @param {string[]} columns
 */
export const fieldsOf = (columns) => [...new Set([...ALWAYS, ...columns])].join(",");

/**
 * @param {Shown} shown
 * @param {string} tag
 * @returns {string}
 */
export function textIn({ record, name, changed }, tag) {
  if (tag === NAME) return name;
  if (tag === "curStatus") return statusOf(record).status;
  if (tag === "writeVal") return writtenText(record);
  if (tag === "hisEnd") return whenText(changed);
  return valueText(record[tag]);
}

/**
 * @param {Shown} shown
 * @param {string} tag
 * @returns {Key}
 */
export function keyIn(shown, tag) {
  const value = shown.record[tag];
  if (tag === "hisEnd") return Number.isNaN(shown.changed) ? undefined : shown.changed;
  const instant = instantOf(value);
  if (!Number.isNaN(instant)) return instant;
  const plain = withoutUnit(value);
  if (typeof plain === "number" && tag !== NAME) return plain;
  return textIn(shown, tag) || undefined;
}

/**
 * Numbers come before texts, and what is missing is last in both directions.
 *
 * @param {Key} a
 * @param {Key} b
 * @param {1 | -1} direction
 */
export function compareKeys(a, b, direction) {
  if (a === undefined || b === undefined)
    return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "number")
    return typeof b === "number" ? direction * (a - b) : -direction;
  return typeof b === "number" ? direction : direction * COLLATOR.compare(a, b);
}

/**
 * The ref that a cell links to.
 *
 * @param {Rec} record
 * @param {string} tag
 * @returns {HaysonRef | null}
 */
export function refIn(record, tag) {
  const value = record[tag];
  const isRef = value && typeof value === "object" && "_kind" in value;
  return isRef && value._kind === "ref" ? value : null;
}

/**
 * How old a value is, if it is stale.
 *
 * @param {Rec} record
 */
export function staleText(record) {
  const { since } = statusOf(record);
  return Number.isNaN(since)
    ? ""
    : gettext("the value is %(age)s old", {
        age: ageText(Date.now() - since),
      });
}

/** @param {Rec} record */
function writtenText({ writeVal, writeLevel }) {
  if (writeVal == null) return "";
  return writeLevel == null
    ? valueText(writeVal)
    : `${valueText(writeVal)} @ ${textOf(writeLevel)}`;
}

/**
 * The tags whose change counts for the column "Changed": values, not names.
 *
 * @param {Rec} record
 */
export function liveText({ curVal, curStatus, curErr, writeVal, writeLevel, hisEnd }) {
  return JSON.stringify([curVal, curStatus, curErr, writeVal, writeLevel, hisEnd]);
}
