/**
 * Open alarms in numbers, as they change: one stream of events for all of a page.
 *
 * A page that is not looked at has no stream, for browsers allow few of them.
 *
 * @module
 */

/**
 * @typedef {object} Summary
 * @property {number} raised Open, and not acknowledged.
 * @property {number} acknowledged
 * @property {number} severity The highest of those that are not acknowledged; 0 for none.
 * @property {number} last Grows whenever an alarm changes.
 * @property {{id: string, count: number, severity: number}[]} entities
 */

/** @typedef {(summary: Summary) => void} Follower */

/** @type {Set<Follower>} */
const followers = new Set();
/** @type {Summary | null} */
let newest = null;
/** @type {EventSource | null} */
let source = null;

/**
 * Call a function with the summary, now and whenever it changes.
 *
 * @param {Follower} follower
 */
export function followAlarms(follower) {
  followers.add(follower);
  if (newest) follower(newest);
  if (followers.size === 1) document.addEventListener("visibilitychange", open);
  open();
}

/** The link in the head of each page says where the events are. */
const address = () => document.getElementById("alarms-link")?.dataset.events ?? "";

function open() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source && address()) {
    source = new EventSource(address());
    source.addEventListener("alarms", ({ data }) => show(JSON.parse(data)));
    source.addEventListener("end", () => source?.close());
  }
}

/** @param {Summary} summary */
function show(summary) {
  newest = summary;
  for (const follower of followers) follower(summary);
}
