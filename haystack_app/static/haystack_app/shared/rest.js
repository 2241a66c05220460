/**
 * Entities as REST resources, with the login of the page.
 *
 * @module
 */

import { gettext } from "./i18n.js";
import {
  allWritesUrl,
  commitUrl,
  echoUrl,
  entitiesUrl,
  entityChangesUrl,
  entityUrl,
  removalUrl,
  revertUrl,
  tagsUrl,
  writesUrl,
} from "./urls.js";

/** @import { Dict, Grid, Hayson, Rec } from "../live.js" */

/** A refused request: the status of HTTP and the reason. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} reason
   */
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

/** The entity was changed since it was read. */
export const CHANGED = 412;

/**
 * A change in the log of an entity.
 *
 * @typedef {object} Change
 * @property {string} cursor
 * @property {string} at
 * @property {string} who
 * @property {string} id
 * @property {"add" | "update" | "remove"} kind
 * @property {Dict} before
 * @property {Dict} after
 */

/**
 * What an undo does, or would do.
 *
 * @typedef {object} Reversal
 * @property {string[]} updated
 * @property {string[]} added
 * @property {string[]} removed
 * @property {string[]} unchanged
 * @property {string[]} samplesLost
 * @property {{id: string, path: string, target: string}[]} dangling
 * @property {{id: string, tag: string, reason: string}[]} conflicts
 */

/** @typedef {{count: number, undo: Reversal}} Commit */

/**
 * What the removal of an entity concerns.
 *
 * @typedef {object} Removal
 * @property {Rec[]} referrers The first entities that refer to it.
 * @property {boolean} more Whether there are others.
 * @property {number} samples
 */

/**
 * An entry of the log of writes. Those of one point have no `id` and `dis`.
 *
 * @typedef {object} Write
 * @property {string} at
 * @property {string} [id]
 * @property {string} [dis] Empty if the point does not exist.
 * @property {number} level
 * @property {"set" | "release" | "expire"} kind
 * @property {Hayson} val
 * @property {string} who
 * @property {string} user
 * @property {string | null} expires
 */

/**
 * @param {string} id
 * @returns {Promise<Rec>}
 */
export const readEntity = (id) => request("GET", entityUrl(project(), id));

/**
 * Set tags of an entity; null removes a tag. Rejects with status 412 if the entity is
 * not the one that was read.
 *
 * @param {Rec} read
 * @param {Record<string, Hayson>} tags
 * @returns {Promise<Rec>}
 */
export const changeEntity = ({ id, mod }, tags) =>
  request("PATCH", entityUrl(project(), id.val), { ...tags, mod: mod ?? null });

/**
 * @param {string} id
 * @returns {Promise<Change[]>} The newest first.
 */
export async function readChanges(id) {
  const { changes } = await request("GET", entityChangesUrl(project(), id));
  return changes;
}

/**
 * @param {string} cursor Of one of its changes.
 * @returns {Promise<Commit>}
 */
export const readCommit = (cursor) => request("GET", commitUrl(project(), cursor));

/**
 * @param {string} cursor
 * @param {Record<string, string>} part `entity`, `tag`, `partly`, `force`.
 * @returns {Promise<Reversal>}
 */
export const revert = (cursor, part) =>
  request("POST", revertUrl(project(), cursor, part));

/**
 * @param {string} id
 * @returns {Promise<Removal>}
 */
export const readRemoval = (id) => request("GET", removalUrl(project(), id));

/**
 * Rejects with status 412 if the entity is not the one that was read.
 *
 * @param {Rec} read
 */
export async function moveToTrash({ id, mod }) {
  const at = /** @type {{val: string}} */ (mod).val;
  const url = `${entityUrl(project(), id.val)}?trash=true`;
  await request("DELETE", url, undefined, { "If-Match": `"${at}"` });
}

/**
 * @param {string | null} cursor Of the page; null for the newest.
 * @returns {Promise<{results: Write[], next: string | null}>}
 */
export const readWrites = (cursor) =>
  request(
    "GET",
    allWritesUrl(project(), new URLSearchParams(cursor ? { cursor } : {})),
  );

/**
 * @param {string} id Of a point.
 * @param {string} limit
 * @returns {Promise<Write[]>} The newest first.
 */
export const readWritesOf = (id, limit) =>
  request("GET", `${writesUrl(project(), id)}?limit=${limit}`);

/**
 * @param {string | undefined} project
 * @param {URLSearchParams} query
 * @returns {Promise<{results: Rec[], next: string | null}>}
 */
export const readEntities = (project, query) =>
  request("GET", entitiesUrl(project, query));

/**
 * @param {Record<string, string>} query `prefix`, `filter`, `limit`.
 * @returns {Promise<{results: {tag: string, count: number | null}[], more: boolean}>}
 */
export const readTags = (query) => request("GET", tagsUrl(project(), "", query));

/**
 * @param {string} tag
 * @param {Record<string, string>} query `prefix`, `filter`, `limit`.
 * @returns {Promise<{results: {val: Hayson, count: number}[], more: boolean}>}
 */
export const readValues = (tag, query) =>
  request("GET", tagsUrl(project(), tag, query));

const project = () => document.body.dataset.project;

/** @param {number} status Of an answer that gives no reason. */
export const statusText = (status) =>
  gettext("status %(status)s", { status: String(status) });

/**
 * @param {string} method
 * @param {string} url
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} The JSON of the answer; rejects with a RequestError.
 */
export async function request(method, url, body, headers = {}) {
  const answer = await send(method, url, body, headers);
  return answer.json().catch(() => null);
}

/**
 * @param {string} method
 * @param {string} url
 * @param {object | string} [body] A text is sent as it is.
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Response>} Rejects with a RequestError.
 */
export async function send(method, url, body, headers = {}) {
  const answer = await fetch(url, {
    method,
    headers: {
      "X-CSRFToken": csrfToken(),
      ...(body ? { "Content-Type": "application/json" } : {}),
      ...headers,
    },
    ...(body ? { body: typeof body === "string" ? body : JSON.stringify(body) } : {}),
  });
  if (answer.ok) return answer;
  const result = await answer.json().catch(() => null);
  throw new RequestError(answer.status, result?.dis ?? statusText(answer.status));
}

/**
 * @param {Grid} grid
 * @returns {Promise<string>} Rejects with an Error.
 */
export async function zincOf(grid) {
  const answer = await send("POST", echoUrl(), grid, { Accept: "text/zinc" });
  return (await answer.text()).trimEnd();
}

/**
 * @param {string} text
 * @returns {Promise<Grid>} Rejects with an Error that says what is invalid, and where.
 */
export async function gridFromZinc(text) {
  const headers = { Accept: "application/json", "Content-Type": "text/zinc" };
  const answer = await send("POST", echoUrl(), `${text}\n`, headers);
  const grid = await answer.json();
  if ("err" in grid.meta) throw new Error(String(grid.meta.dis));
  return grid;
}

/** Of the form that logs out, which each page of the app has. */
export function csrfToken() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return field instanceof HTMLInputElement ? field.value : "";
}
