/**
 * Priority arrays of points: what is written at which level, and by whom.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { writesUrl } from "../shared/urls.js";
import { instantOf, textOf, withoutUnit } from "../shared/values.js";

/** @import { Dict, Hayson, Live } from "../live.js" */

/** The level of manual overrides, the only one that can end by itself. */
export const MANUAL = 8;
export const EMERGENCY = 1;

/**
 * A level that is set.
 *
 * @typedef {object} Level
 * @property {number} number
 * @property {string} dis
 * @property {string} value
 * @property {string} who The author that the request named, and the login.
 * @property {number} until Milliseconds since 1970; NaN if it does not expire.
 * @property {number} since NaN if it is not known.
 */

/**
 * @param {Live["call"]} call
 * @param {string} id
 * @returns {Promise<Level[]>} The levels that are set, the effective one first.
 */
export async function readLevels(call, id) {
  const [{ rows }, since] = await Promise.all([
    call("pointWrite", gridOf([{ id: refOf(id) }])),
    readSince(id).catch(() => new Map()), // the array counts; its log may be pruned
  ]);
  return rows
    .filter(({ val }) => val != null)
    .map((row) => {
      const number = Number(withoutUnit(row.level));
      return {
        number,
        dis: textOf(row.levelDis).replace(/ \(.*/, ""),
        value: typeof row.val === "boolean" ? textOf(row.valDis) : textOf(row.val),
        who: authorOf(row),
        until: instantOf(row.expires),
        since: since.get(number) ?? NaN,
      };
    });
}

/**
 * @param {Live["call"]} call
 * @param {string} id
 * @param {object} write
 * @param {Hayson} write.val
 * @param {number} [write.level]
 * @param {Hayson} [write.duration] A Number of time; without it until it is released.
 * @param {string} [write.who]
 */
export async function override(call, id, { val, level = MANUAL, duration, who }) {
  /** @type {Dict} */
  const row = { id: refOf(id), level, val };
  if (duration) row.duration = duration;
  if (who) row.who = who;
  await call("pointWrite", gridOf([row]));
}

/**
 * @param {Live["call"]} call
 * @param {string} id
 * @param {number} [level]
 */
export async function release(call, id, level = MANUAL) {
  await call("pointWrite", gridOf([{ id: refOf(id), level }]));
}

/** @param {Dict} row Of the array. */
function authorOf({ who, user }) {
  const [author, login] = [textOf(who), textOf(user)];
  if (!login || author === login || author.startsWith(`${login}:`)) return author;
  return author ? `${author} (${login})` : login;
}

/**
 * @param {string} id
 * @returns {Promise<Map<number, number>>} When the levels were set, by number.
 */
async function readSince(id) {
  const answer = await fetch(writesUrl(document.body.dataset.project, id));
  /** @type {{at: string, level: number, kind: string}[]} */
  const writes = answer.ok ? await answer.json() : [];
  const since = new Map();
  for (const { at, level, kind } of writes)
    if (!since.has(level)) since.set(level, kind === "set" ? Date.parse(at) : NaN);
  return since;
}
