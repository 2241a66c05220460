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
 * @property {string} explorer
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
 * @param {URLSearchParams} query Of the op `read`, and `format`: csv or xlsx.
 * @returns {string} The records that match, as a file.
 */
export const downloadUrl = (project, query) => `${apiUrl(project, "read")}?${query}`;

/**
 * @param {string | undefined} project
 * @param {string} id Of a point.
 * @returns {string} The newest writes to its priority array.
 */
export const writesUrl = (project, id) => `${entityUrl(project, id)}writes/`;

/**
 * @param {string | undefined} project
 * @param {URLSearchParams} query
 * @returns {string} Writes to all priority arrays.
 */
export const allWritesUrl = (project, query) =>
  `${apiUrl(project, "writes/")}?${query}`;

/**
 * @param {string | undefined} project
 * @param {string} id
 * @returns {string} What the removal of an entity concerns.
 */
export const removalUrl = (project, id) => `${entityUrl(project, id)}removal/`;

/**
 * @param {string | undefined} project
 * @param {string} id
 */
export const entityUrl = (project, id) =>
  apiUrl(project, `entities/${encodeURIComponent(id)}/`);

/**
 * @param {string | undefined} project
 * @param {string} id
 * @returns {string} Its changes, the newest first.
 */
export const entityChangesUrl = (project, id) => `${entityUrl(project, id)}changes/`;

/**
 * @param {string | undefined} project
 * @param {string} cursor Of a change.
 * @returns {string} The commit that it belongs to.
 */
export const commitUrl = (project, cursor) =>
  apiUrl(project, `changes/${encodeURIComponent(cursor)}/`);

/**
 * @param {string | undefined} project
 * @param {string} cursor
 * @param {Record<string, string>} part
 * @returns {string} Its undo.
 */
export const revertUrl = (project, cursor, part) =>
  `${commitUrl(project, cursor)}revert/?${new URLSearchParams(part)}`;

/**
 * @param {string | undefined} project
 * @param {URLSearchParams} query
 * @returns {string} A page of entities.
 */
export const entitiesUrl = (project, query) =>
  `${apiUrl(project, "entities/")}?${query}`;

/**
 * @param {string} slug
 * @returns {string} A dashboard as a resource.
 */
export const dashboardUrl = (slug) =>
  `${urls.api}dashboards/${encodeURIComponent(slug)}/`;

/**
 * @param {string} entities The list of entities in the admin.
 * @param {string} id
 * @returns {string} The page of an entity, as the admin quotes ids.
 */
export function adminUrl(entities, id) {
  const quoted = id.replace(
    /[_:]/g,
    (sign) => `_${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${entities}${quoted}/change/`;
}

/**
 * @param {string | undefined} project
 * @param {Record<string, string>} view As the address of the explorer has it.
 * @returns {string} The page.
 */
export function explorerUrl(project, view) {
  const page = project
    ? `${urls.explorer}${encodeURIComponent(project)}/`
    : urls.explorer;
  return `${page}?${new URLSearchParams(view)}`;
}

/**
 * @param {string | undefined} project
 * @param {string} [path] Of one alarm, say.
 * @returns {string}
 */
export const alarmsUrl = (project, path = "") => apiUrl(project, `alarms/${path}`);

/**
 * @param {string} [path]
 * @returns {string} The rules of alarms, of all storages.
 */
export const alarmRulesUrl = (path = "") => apiUrl("", `alarm-rules/${path}`);

/**
 * @param {string | undefined} project
 * @param {string} id
 * @returns {string} The explorer with a point.
 */
export const pointUrl = (project, id) =>
  explorerUrl(project, { filter: `id==@${id}`, id });

/**
 * @param {string | undefined} project
 * @returns {string} Changes of samples, to which edits are posted.
 */
export const sampleChangesUrl = (project) => apiUrl(project, "samples/changes/");

/**
 * @param {string | undefined} project
 * @param {string} [path] Below the imports.
 */
export const importsUrl = (project, path = "") => apiUrl(project, `imports/${path}`);

/**
 * @param {string} [name]
 * @returns {string} A saved mapping, or all of them.
 */
export const mappingsUrl = (name) =>
  apiUrl("", `import-mappings/${name ? `${encodeURIComponent(name)}/` : ""}`);

/**
 * @param {number} id
 * @param {string} [step] `cancel/` or `events/`.
 */
export const jobUrl = (id, step = "") => apiUrl("", `jobs/${id}/${step}`);

/**
 * @param {string | undefined} project
 * @param {string} tag Whose values are wanted; empty for the tags themselves.
 * @param {Record<string, string>} query
 * @returns {string} What occurs among entities.
 */
export const tagsUrl = (project, tag, query) =>
  `${apiUrl(project, tag ? `tags/${tag}/values/` : "tags/")}?${new URLSearchParams(query)}`;

/** @returns {string} The op that answers the grid it gets, in any format. */
export const echoUrl = () => apiUrl("", "echo");

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
