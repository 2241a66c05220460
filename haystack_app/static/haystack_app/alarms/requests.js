/**
 * Alarms and their rules, as the API has them.
 *
 * @module
 */

import { request } from "../shared/rest.js";
import { alarmRulesUrl, alarmsUrl } from "../shared/urls.js";

/** @import { Hayson } from "../live.js" */

/**
 * @typedef {object} Transition
 * @property {string} kind
 * @property {string} at
 * @property {boolean} late
 * @property {Hayson} value
 * @property {string} who
 * @property {string} note
 */

/**
 * @typedef {object} Alarm
 * @property {number} id
 * @property {number} rule
 * @property {string} ruleName
 * @property {number} severity
 * @property {string} severityName
 * @property {string} text
 * @property {string} point
 * @property {string} dis
 * @property {"raised" | "acknowledged" | "cleared"} state
 * @property {Hayson} value
 * @property {string} raisedAt
 * @property {string | null} clearedAt
 * @property {boolean} late
 * @property {Transition[]} [transitions]
 */

/**
 * @typedef {object} Rule
 * @property {number} id
 * @property {string} name
 * @property {string} filter
 * @property {boolean} enabled
 * @property {string} measure
 * @property {number} windowSeconds
 * @property {string} op
 * @property {string} operand
 * @property {string} value
 * @property {string} path
 * @property {number} tolerance
 * @property {number} hysteresis
 * @property {number} delaySeconds
 * @property {number} severity
 * @property {string} text
 * @property {string} problem
 * @property {number} points
 * @property {string[]} warnings
 */

/**
 * @typedef {object} DryRun
 * @property {number} evaluated
 * @property {number} alarms
 * @property {number} open
 * @property {Record<string, number>} days
 * @property {{id: string, dis: string, count: number, raisedSeconds: number}[]} worst
 * @property {string[]} warnings
 */

const project = () => document.body.dataset.project;

/**
 * @param {Record<string, string>} query
 * @returns {Promise<{results: Alarm[], next: string | null}>} The newest first.
 */
export const readAlarms = (query) =>
  request("GET", `${alarmsUrl(project())}?${new URLSearchParams(query)}`);

/**
 * @param {number} id
 * @returns {Promise<Alarm>} With its transitions.
 */
export const readAlarm = (id) => request("GET", alarmsUrl(project(), `${id}/`));

/**
 * @param {number} id
 * @param {string} note
 * @returns {Promise<Alarm>}
 */
export const acknowledge = (id, note) =>
  request("POST", alarmsUrl(project(), `${id}/acknowledge/`), { note });

/** @returns {Promise<{results: Rule[], next: string | null}>} */
export const readRules = () => request("GET", `${alarmRulesUrl()}?limit=1000`);

/**
 * @param {object} rule
 * @returns {Promise<Rule>}
 */
export const makeRule = (rule) => request("POST", alarmRulesUrl(), rule);

/**
 * @param {number} id
 * @param {object} changes
 * @returns {Promise<Rule>}
 */
export const changeRule = (id, changes) =>
  request("PATCH", alarmRulesUrl(`${id}/`), changes);

/**
 * What a rule, which is not saved, would have raised.
 *
 * @param {object} rule
 * @returns {Promise<DryRun>}
 */
export const tryRule = (rule) => request("POST", alarmRulesUrl("dry-run/"), rule);
