/**
 * Imports as REST resources, and their JSON; see docs/import.md.
 *
 * @module
 */

import { RequestError, csrfToken, request, statusText } from "../shared/rest.js";
import { importsUrl, jobUrl, mappingsUrl } from "../shared/urls.js";

/**
 * A column of a table, or a name of a point in its rows.
 *
 * @typedef {object} Column
 * @property {string} header
 * @property {string} use `time`, `point`, `ignored`, `unknown`, `tag`, `words`, ...
 * @property {string[]} [cells] The first ones that are not empty.
 * @property {string} [problem] Why it is not understood.
 * @property {string} [id] Of the point.
 * @property {string | null} [unit] Of the values in the file.
 * @property {string | null} [pointUnit]
 * @property {string | null} [kind]
 * @property {number} [factor]
 * @property {string | null} [decimal] Its sign, `point` or `comma`.
 * @property {boolean} [isNew] Whether the import makes the point.
 * @property {string | null} [tag] Of a table of entities.
 */

/**
 * @typedef {object} Table
 * @property {string | null} sheet
 * @property {string} [layout] `wide`, `long` or `single`.
 * @property {string | null} [encoding]
 * @property {string | null} [delimiter]
 * @property {{columns: string[], form: string, order: string | null}} [times]
 * @property {string | null} [zone]
 * @property {string[]} [header]
 * @property {string[][]} [rows]
 * @property {Column[]} [columns]
 * @property {Column[]} [names]
 * @property {string} [problem]
 */

/**
 * @typedef {object} FoundPoint
 * @property {string} id
 * @property {string} dis
 * @property {string | null} unit
 * @property {boolean} isNew
 * @property {number} samples
 * @property {string} first
 * @property {string} last
 * @property {number | null} interval Seconds.
 */

/**
 * @typedef {object} BadRow
 * @property {string} sheet
 * @property {number | null} line
 * @property {string} column
 * @property {string} reason
 * @property {string} remedy
 */

/**
 * What was understood of a file.
 *
 * @typedef {object} Found
 * @property {"history" | "entities" | ""} kind
 * @property {string} problem
 * @property {boolean} canStart
 * @property {Table[]} tables
 * @property {{count: number, shown: BadRow[]}} bad
 * @property {Record<string, number>} [counts]
 * @property {FoundPoint[]} [points]
 * @property {string | null} [first]
 * @property {string | null} [last]
 * @property {string[]} [notes]
 * @property {string[]} [hisMode] Points that get one.
 * @property {{id: string, tag: string, target: string}[]} [dangling]
 * @property {{id: string, tags: string}[]} [entities]
 */

/**
 * @typedef {object} Job
 * @property {number} id
 * @property {string} status
 * @property {string | null} finished
 * @property {number} done
 * @property {number | null} total
 * @property {string} note
 * @property {any} result
 * @property {{at: string, message: string}[]} errors
 */

/** @typedef {Record<string, any>} Corrections By the names of the API. */

/**
 * @typedef {object} Import
 * @property {number} id
 * @property {string} name
 * @property {number} size
 * @property {number} received
 * @property {string} created
 * @property {string} status
 * @property {Corrections} corrections
 * @property {Found | null} found
 * @property {Job | null} checkJob
 * @property {Job | null} job
 */

const { project, part } = document.body.dataset;
/** Bytes of a request. */
const PART = Math.min(8 * 1024 * 1024, Number(part));

/** @param {string | number} id */
const one = (id, step = "") => importsUrl(project, `${id}/${step}`);

/** @returns {Promise<{results: Import[]}>} Without what was understood. */
export const listImports = () => request("GET", `${importsUrl(project)}?limit=10`);

/**
 * @param {string | number} id
 * @returns {Promise<Import>}
 */
export const readImport = (id) => request("GET", one(id));

/**
 * @param {number} id
 * @param {Corrections} corrections
 * @returns {Promise<Import>}
 */
export const correctImport = (id, corrections) =>
  request("PATCH", one(id), corrections);

/**
 * @param {number} id
 * @returns {Promise<Import>}
 */
export const startImport = (id) => request("POST", one(id, "start/"));

/**
 * @param {number} id
 * @returns {Promise<Job>}
 */
export const undoImport = (id) => request("POST", one(id, "undo/"));

/** @param {number} id */
export const deleteImport = (id) => request("DELETE", one(id));

/** @param {number} id */
export const badRowsUrl = (id) => one(id, "bad-rows/");

/** @param {number} id Of a job. */
export const cancelJob = (id) => request("POST", jobUrl(id, "cancel/"));

/** @returns {Promise<{results: {name: string, corrections: Corrections}[]}>} */
export const listMappings = () => request("GET", `${mappingsUrl()}?limit=200`);

/**
 * @param {string} name
 * @param {Corrections} corrections
 */
export const saveMapping = (name, corrections) =>
  request("PUT", mappingsUrl(name), corrections);

/**
 * Send a file in parts, each of which is answered before the next one.
 *
 * @param {File} file
 * @param {(share: number) => void} onProgress
 * @returns {Promise<Import>}
 */
export async function upload(file, onProgress) {
  const query = new URLSearchParams({ name: file.name, size: String(file.size) });
  let found = await send(`${importsUrl(project)}?${query}`, file.slice(0, PART));
  while (found.received < file.size) {
    onProgress(found.received / file.size);
    const offset = found.received;
    const next = file.slice(offset, offset + PART);
    found = await send(`${one(found.id, "parts/")}?offset=${offset}`, next);
  }
  return found;
}

/**
 * @param {string} url
 * @param {Blob} body
 * @returns {Promise<Import>}
 */
async function send(url, body) {
  const headers = {
    "X-CSRFToken": csrfToken(),
    "Content-Type": "application/octet-stream",
  };
  const answer = await fetch(url, { method: "POST", headers, body });
  const result = await answer.json().catch(() => null);
  if (answer.ok) return result;
  throw new RequestError(answer.status, result?.dis ?? statusText(answer.status));
}
