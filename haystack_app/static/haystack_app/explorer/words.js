/**
 * Words in names and ids of entities, and in those of their site and equip.
 *
 * @module
 */

import { nameOf, textOf } from "./values.js";

/** @import { Hayson, Rec } from "../live.js" */

/** Text that a filter would take for the name of a tag, or two. */
const PLAIN = /^[\p{L}\p{N}_.\- ]+$/u;

/** @param {string} text */
export const isPlain = (text) => PLAIN.test(text);

/**
 * The words of a text that are searched for.
 *
 * @param {string} text
 * @returns {string[]}
 */
export const wordsOf = (text) =>
  text
    .toLowerCase()
    .split(/[\s"“”,]+/)
    .filter(Boolean);

/**
 * @param {Rec[]} records All entities.
 * @param {string} text
 * @returns {string[]} Ids of the entities with every word anywhere in their names.
 */
export function find(records, text) {
  const words = wordsOf(text);
  if (!words.length) return [];
  const names = new Map(records.map((record) => [record.id.val, namesOf(record)]));
  const above = (/** @type {Hayson | undefined} */ ref) =>
    ref && typeof ref === "object" && "val" in ref ? names.get(String(ref.val)) : "";
  return records
    .filter((record) => {
      const own = names.get(record.id.val);
      const all = `${own}\n${above(record.siteRef)}\n${above(record.equipRef)}`;
      return words.every((word) => all.includes(word));
    })
    .map(({ id }) => id.val);
}

/** @param {Rec} record */
const namesOf = (record) =>
  `${nameOf(record)}\n${textOf(record.navName)}\n${record.id.val}`.toLowerCase();
