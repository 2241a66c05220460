/**
 * Search by words: in names and ids of entities, and in those of their site and equip.
 *
 * The API has no search by words, so the names of all entities are read, once a
 * minute at most. Of stores with more entities than that nothing is searched: half
 * an answer would look like a whole one.
 *
 * @module
 */

import { entitiesUrl } from "./urls.js";
import { nameOf, textOf } from "./values.js";

/** @import { Hayson, Rec } from "../live.js" */

const PAGE = 1000;
const MOST_PAGES = 10;
const TAGS = ["id", "dis", "navName", "siteRef", "equipRef"];
const FRESH_MS = 60_000;
/** Ids of a watch. */
const MOST_FOUND = 1000;
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

export class WordSearch {
  /** @type {Promise<Rec[] | null> | null} */
  #records = null;
  #readAt = 0;

  /** @param {string | undefined} project */
  constructor(project) {
    this.project = project;
  }

  /**
   * @param {string} text
   * @returns {Promise<{ids: string[], count: number} | null>} Null if there are too many
   *   entities to search; `ids` are the first of those that were found.
   */
  async search(text) {
    if (!this.#records || Date.now() - this.#readAt > FRESH_MS) {
      this.#readAt = Date.now();
      this.#records = this.#read();
      this.#records.catch(() => (this.#records = null));
    }
    const records = await this.#records;
    if (!records) return null;
    const ids = find(records, text);
    return { ids: ids.slice(0, MOST_FOUND), count: ids.length };
  }

  /** @returns {Promise<Rec[] | null>} Null if there are too many. */
  async #read() {
    const records = [];
    const query = new URLSearchParams({ fields: TAGS.join(), limit: String(PAGE) });
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await fetch(entitiesUrl(this.project, query));
      if (!answer.ok) throw new Error(`the names cannot be read: ${answer.statusText}`);
      const { results, next } = await answer.json();
      records.push(...results);
      if (!next) return records;
      query.set("cursor", next);
    }
    return null;
  }
}
