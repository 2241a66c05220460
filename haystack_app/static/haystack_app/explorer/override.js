/**
 * Part of the panel of a writable point: what is written, override and release.
 *
 * @module
 */

import { byId, element } from "./elements.js";
import { overrideForm } from "./override_form.js";
import { MANUAL, override, readLevels, release } from "./priority_array.js";
import { momentText } from "./values.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Level } from "./priority_array.js" */
/** @import { Wish } from "./override_form.js" */

export class Override {
  /** @type {Rec | null} */
  #record = null;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;

  #section = byId("override", HTMLElement);
  #form = byId("override-form", HTMLElement);
  #problem = byId("override-problem", HTMLElement);
  #levels = byId("levels", HTMLTableSectionElement);
  #release = byId("release", HTMLButtonElement);

  /**
   * @param {Live["call"]} call
   * @param {{mayWrite: boolean, user: string}} login
   */
  constructor(call, { mayWrite, user }) {
    this.call = call;
    this.mayWrite = mayWrite;
    this.user = user;
    this.#release.addEventListener("click", () =>
      this.#run((id) => release(this.call, id)),
    );
  }

  /** @param {Rec} record */
  show(record) {
    this.clear();
    if (!("writable" in record && "point" in record)) return;
    this.#record = record;
    this.#section.hidden = false;
    if (this.mayWrite)
      this.#form.replaceChildren(overrideForm(record, (wish) => this.#submit(wish)));
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
    this.#release.hidden = true;
    this.#problem.textContent = "";
    this.#form.replaceChildren();
    this.#levels.replaceChildren();
  }

  /** Read the array, also again when a change may have been missed. */
  async refresh() {
    if (!this.#record) return;
    const round = ++this.#round;
    try {
      const levels = await readLevels(this.call, this.#record.id.val);
      if (round === this.#round) this.#fill(levels);
    } catch (error) {
      if (round !== this.#round) return;
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {Wish} wish */
  #submit({ val, duration, reason }) {
    const who = reason && `${this.user}: ${reason}`;
    this.#run((id) => override(this.call, id, { val, duration, who }));
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
    this.#release.hidden =
      !this.mayWrite || !levels.some(({ number }) => number === MANUAL);
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
    const nothing = element("td", { colspan: "5", text: "Nothing is written." });
    this.#levels.replaceChildren(
      ...(rows.length ? rows : [element("tr", {}, nothing)]),
    );
  }
}
