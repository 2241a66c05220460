/**
 * A table of alarms.
 *
 * @module
 */

import { gettext, interpolate } from "../shared/i18n.js";
import { arrange, byId, element, setText } from "../shared/elements.js";
import { pointUrl } from "../shared/urls.js";
import { momentText, textOf } from "../shared/values.js";
import { readAlarms } from "./requests.js";
import { severityName, stateName } from "./words.js";

/** @import { Alarm } from "./requests.js" */

/** @typedef {{row: HTMLTableRowElement, update: (alarm: Alarm) => void}} Row */

export class AlarmList {
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #asked = 0;
  /** @type {string | null} */
  #next = null;
  /** @type {Alarm[]} */
  #alarms = [];

  /**
   * @param {HTMLTableSectionElement} body
   * @param {object} options
   * @param {() => URLSearchParams} options.query
   * @param {boolean} options.mayAcknowledge
   * @param {(id: number) => void} options.onOpen
   */
  constructor(body, { query, mayAcknowledge, onOpen }) {
    this.body = body;
    this.query = query;
    this.mayAcknowledge = mayAcknowledge;
    this.onOpen = onOpen;
    this.note = byId("alarms-note", HTMLElement);
    this.more = byId("alarms-more", HTMLButtonElement);
    this.more.addEventListener("click", () => this.#read(this.#next));
  }

  /** Read the newest alarms again. */
  read() {
    return this.#read(null);
  }

  /** @param {string | null} cursor */
  async #read(cursor) {
    const asked = ++this.#asked;
    const query = Object.fromEntries(this.query());
    if (query.state === "all") delete query.state;
    try {
      const page = await readAlarms(cursor ? { ...query, cursor } : query);
      if (asked !== this.#asked) return; // another one was asked for since
      this.#alarms = cursor ? [...this.#alarms, ...page.results] : page.results;
      this.#next = page.next;
      this.#show();
    } catch (error) {
      if (asked === this.#asked) this.#say(/** @type {Error} */ (error).message);
    }
  }

  #show() {
    const rows = this.#alarms.map((alarm) => this.#rowOf(alarm));
    arrange(this.body, rows);
    const ids = new Set(this.#alarms.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    this.more.hidden = !this.#next;
    this.#say(rows.length ? "" : gettext("No alarms."));
  }

  /** @param {string} text */
  #say(text) {
    setText(this.note, text);
  }

  /** @param {Alarm} alarm */
  #rowOf(alarm) {
    let found = this.#rows.get(alarm.id);
    if (!found) {
      found = this.#makeRow(alarm);
      this.#rows.set(alarm.id, found);
    }
    found.update(alarm);
    return found.row;
  }

  /**
   * @param {Alarm} alarm
   * @returns {Row}
   */
  #makeRow({ id, point, dis }) {
    const severity = element("td", { class: "severity" });
    const what = element("th", { scope: "row" });
    const value = element("td", { class: "number" });
    const raised = element("td");
    const state = element("td");
    const { mayAcknowledge } = this;
    const open = element("button", { type: "button", click: () => this.onOpen(id) });
    const row = element(
      "tr",
      {},
      severity,
      what,
      element(
        "td",
        {},
        element("a", {
          href: pointUrl(document.body.dataset.project, point),
          text: dis,
        }),
      ),
      value,
      raised,
      state,
      element("td", {}, open),
    );
    return { row, update };

    /** @param {Alarm} alarm */
    function update(alarm) {
      row.dataset.state = alarm.state;
      severity.dataset.severity = String(alarm.severity);
      setText(severity, severityName(alarm));
      const text = alarm.text ? `${alarm.ruleName}: ${alarm.text}` : alarm.ruleName;
      setText(what, text);
      setText(value, textOf(alarm.value));
      setText(raised, momentText(Date.parse(alarm.raisedAt)));
      setText(state, stateText(alarm));
      const isAsked = mayAcknowledge && alarm.state === "raised";
      setText(open, isAsked ? gettext("Acknowledge") : gettext("Log"));
      open.setAttribute("aria-label", `${open.textContent}: ${text}, ${alarm.dis}`);
    }
  }
}

/** @param {Alarm} alarm */
function stateText({ state, clearedAt, late }) {
  if (!clearedAt) return stateName(state, late);
  const time = momentText(Date.parse(clearedAt));
  return interpolate(
    late ? gettext("cleared %(time)s, late") : gettext("cleared %(time)s"),
    { time },
  );
}
