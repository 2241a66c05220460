/**
 * Search by words among the names of all entities.
 *
 * The API has no search by words, so the names of all entities are read, once a
 * minute at most. Of a store with more entities than that nothing is searched: half
 * an answer would look like a whole one.
 *
 * @module
 */

import { entitiesUrl } from "./urls.js";
import { find } from "./words.js";

/** @import { Rec } from "../live.js" */

const PAGE = 1000;
const MOST_PAGES = 10;
const TAGS = ["id", "dis", "navName", "siteRef", "equipRef"];
const FRESH_MS = 60_000;

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
   * @returns {Promise<string[] | null>} Ids; null if there are too many entities to
   *   search.
   */
  async search(text) {
    if (!this.#records || Date.now() - this.#readAt > FRESH_MS) {
      this.#readAt = Date.now();
      this.#records = this.#read();
      this.#records.catch(() => (this.#records = null));
    }
    const records = await this.#records;
    return records && find(records, text);
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
