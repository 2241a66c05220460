/**
 * The URLs of this installation, which the server writes into the page.
 *
 * @module
 */

import { byId } from "./elements.js";

/**
 * @typedef {object} Urls
 * @property {string} api Root of the ops.
 * @property {string} ws Root of the websockets.
 * @property {string} login Login page; empty if the server has no login page.
 * @property {string} home
 */

/** @type {Urls} */
const urls = JSON.parse(byId("haystack-urls", HTMLScriptElement).text);

/**
 * @param {string} [project] Empty for the default storage.
 * @returns {string}
 */
export function websocketUrl(project) {
  return project ? `${urls.ws}${encodeURIComponent(project)}/` : urls.ws;
}

/**
 * @param {string | undefined} project Empty for the default storage.
 * @param {string} filter
 * @returns {string} The records that match, as a file for spreadsheets.
 */
export function downloadUrl(project, filter) {
  const query = new URLSearchParams({ filter, download: "records.csv" });
  return `${apiUrl(project, "read")}?${query}`;
}

/**
 * @param {string | undefined} project
 * @param {string} id Of a point.
 * @returns {string} The newest writes to its priority array.
 */
export const writesUrl = (project, id) =>
  apiUrl(project, `entities/${encodeURIComponent(id)}/writes/`);

/**
 * @param {string | undefined} project
 * @param {URLSearchParams} query
 * @returns {string} A page of entities.
 */
export const entitiesUrl = (project, query) =>
  `${apiUrl(project, "entities/")}?${query}`;

/**
 * @param {string | undefined} project
 * @param {string} path
 */
const apiUrl = (project, path) =>
  `${urls.api}${project ? `${encodeURIComponent(project)}/` : ""}${path}`;

/** @returns {string} The login page, which leads back to the current address. */
export function loginUrl() {
  if (!urls.login) return "";
  const login = new URL(urls.login, location.href);
  login.searchParams.set("next", location.pathname + location.search);
  return login.href;
}
