/**
 * Ids in pages, of more entities than one watch may have.
 *
 * @module
 */

import { entitiesUrl } from "./urls.js";

/** @import { Rec } from "../live.js" */

/** Entities of a page, as many as the table adds at a time. */
export const PAGE = 300;

/** @typedef {{ids: string[], isLast: boolean}} Page */

/**
 * The entities that match a filter, in order of their ids.
 *
 * @param {string | undefined} project
 * @param {string} filter
 * @returns {AsyncGenerator<Page, void>} Throws an Error if the server refuses.
 */
export async function* pagesOf(project, filter) {
  const query = new URLSearchParams({ filter, fields: "id", limit: String(PAGE) });
  for (;;) {
    const answer = await fetch(entitiesUrl(project, query));
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.dis ?? answer.statusText);
    const records = /** @type {Rec[]} */ (body.results);
    yield { ids: records.map(({ id }) => id.val), isLast: !body.next };
    if (!body.next) return;
    query.set("cursor", body.next);
  }
}

/**
 * @param {string[]} ids
 * @returns {AsyncGenerator<Page, void>}
 */
export async function* inPages(ids) {
  for (let from = 0; from < ids.length; from += PAGE)
    yield { ids: ids.slice(from, from + PAGE), isLast: from + PAGE >= ids.length };
}
