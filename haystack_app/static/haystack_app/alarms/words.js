/**
 * What states and severities of alarms are called.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";

/** @import { Alarm } from "./requests.js" */

/** @type {Record<string, string>} */
const STATES = {
  raised: gettext("raised"),
  acknowledged: gettext("acknowledged"),
  cleared: gettext("cleared"),
  withdrawn: gettext("withdrawn"),
};
/** @type {Record<number, string>} */
const SEVERITIES = {
  1: gettext("info"),
  2: gettext("warning"),
  3: gettext("severe"),
  4: gettext("critical"),
};

/**
 * @param {string} state Of an alarm, or the kind of a transition.
 * @param {boolean} late
 * @returns {string}
 */
export function stateName(state, late) {
  const name = STATES[state] ?? state;
  return late ? gettext("%(state)s, late", { state: name }) : name;
}

/** @param {Alarm} alarm */
export const severityName = ({ severity, severityName: given }) =>
  SEVERITIES[severity] ?? given;
