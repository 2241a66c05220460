/**
 * Part of the panel of a writable point: what is written, override and release.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { overrideForm } from "./override_form.js";
import { EMERGENCY, MANUAL, override, readLevels, release } from "./priority_array.js";
import { momentText } from "../shared/values.js";
import { PointWrites } from "./write_list.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Level } from "./priority_array.js" */
/** @import { Wish } from "./override_form.js" */
/** @import { Rights } from "./rights.js" */

export class Override {
  /** @type {Rec | null} */
  #record = null;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;

  #section = byId("override", HTMLElement);
  #form = byId("override-form", HTMLElement);
  #problem = byId("override-problem", HTMLElement);
  #levels = byId("levels", HTMLTableSectionElement);
  /** @type {Map<number, HTMLButtonElement>} Buttons by level. */
  #release = new Map([
    [MANUAL, byId("release", HTMLButtonElement)],
    [EMERGENCY, byId("release-emergency", HTMLButtonElement)],
  ]);

  /**
   * @param {Live["call"]} call
   * @param {{may: Rights, user: string}} login
   */
  constructor(call, { may, user }) {
    this.call = call;
    this.mayWrite = may.has("write_points");
    this.mayEmergency = this.mayWrite && may.has("write_emergency");
    this.user = user;
    this.writes = new PointWrites();
    for (const [level, button] of this.#release)
      button.addEventListener("click", () =>
        this.#run((id) => release(this.call, id, level)),
      );
  }

  /** @param {Rec} record */
  show(record) {
    this.clear();
    if (!("writable" in record && "point" in record)) return;
    this.#record = record;
    this.#section.hidden = false;
    if (this.mayWrite)
      this.#form.replaceChildren(
        overrideForm(record, this.mayEmergency, (wish) => this.#submit(wish)),
      );
    this.writes.show(record.id.val);
    this.refresh();
  }

  /** @param {Rec} record The same record as it is now. */
  update(record) {
    const before = this.#record;
    if (!before) return;
    this.#record = record;
    const written = (/** @type {Rec} */ { writeVal, writeLevel, writeStatus }) =>
      JSON.stringify([writeVal, writeLevel, writeStatus]);
    if (written(before) !== written(record)) this.refresh();
  }

  clear() {
    this.#round++;
    this.#record = null;
    this.#section.hidden = true;
    for (const button of this.#release.values()) button.hidden = true;
    this.writes.clear();
    this.#problem.textContent = "";
    this.#form.replaceChildren();
    this.#levels.replaceChildren();
  }

  /** Read the array, also again when a change may have been missed. */
  async refresh() {
    if (!this.#record) return;
    const round = ++this.#round;
    this.writes.load();
    try {
      const levels = await readLevels(this.call, this.#record.id.val);
      if (round === this.#round) this.#fill(levels);
    } catch (error) {
      if (round !== this.#round) return;
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {Wish} wish */
  #submit({ val, level, duration, reason }) {
    const who = reason && `${this.user}: ${reason}`;
    this.#run((id) => override(this.call, id, { val, level, duration, who }));
  }

  /** @param {(id: string) => Promise<void>} write */
  async #run(write) {
    if (!this.#record) return;
    const { id } = this.#record;
    this.#problem.textContent = "";
    try {
      await write(id.val);
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
    if (this.#record?.id.val === id.val) this.refresh();
  }

  /** @param {Level[]} levels */
  #fill(levels) {
    for (const [level, button] of this.#release) {
      const may = level === EMERGENCY ? this.mayEmergency : this.mayWrite;
      button.hidden = !may || !levels.some(({ number }) => number === level);
    }
    const rows = levels.map(({ dis, value, who, since, until }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", text: dis }),
        element("td", { text: value }),
        element("td", { text: who }),
        element("td", { text: momentText(since) }),
        element("td", { text: momentText(until) }),
      ),
    );
    const nothing = element("td", {
      colspan: "5",
      text: gettext("Nothing is written."),
    });
    this.#levels.replaceChildren(
      ...(rows.length ? rows : [element("tr", {}, nothing)]),
    );
  }
}
