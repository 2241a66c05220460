/**
 * An alarm with its log, and its acknowledgement.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, element, setText } from "../shared/elements.js";
import { momentText, textOf } from "../shared/values.js";
import { acknowledge, readAlarm } from "./requests.js";
import { stateName } from "./words.js";

/** @import { Alarm, Transition } from "./requests.js" */

export class AlarmDialog {
  #id = 0;

  /**
   * @param {HTMLDialogElement} frame
   * @param {object} options
   * @param {boolean} options.mayAcknowledge
   * @param {() => void} options.onChange
   */
  constructor(frame, { mayAcknowledge, onChange }) {
    this.frame = frame;
    this.mayAcknowledge = mayAcknowledge;
    this.onChange = onChange;
    this.title = byId("alarm-title", HTMLElement);
    this.log = byId("alarm-log", HTMLElement);
    this.problem = byId("alarm-problem", HTMLElement);
    this.form = byId("acknowledge", HTMLFormElement);
    this.note = byId("alarm-note", HTMLInputElement);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#acknowledge();
    });
    byId("alarm-close", HTMLButtonElement).addEventListener("click", () =>
      frame.close(),
    );
  }

  /** @param {number} id */
  async open(id) {
    this.#id = id;
    this.note.value = "";
    setText(this.title, gettext("Alarm"));
    this.log.replaceChildren();
    this.form.hidden = true;
    this.frame.showModal();
    await this.#try(async () => this.#show(await readAlarm(id)));
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    setText(this.problem, "");
    try {
      await work();
    } catch (error) {
      setText(this.problem, /** @type {Error} */ (error).message);
    }
  }

  /** @param {Alarm} alarm */
  #show(alarm) {
    setText(this.title, `${alarm.ruleName}: ${alarm.dis}`);
    this.log.replaceChildren(...(alarm.transitions ?? []).map(lineOf));
    this.form.hidden = !this.mayAcknowledge || alarm.state !== "raised";
    if (!this.form.hidden) this.note.focus();
  }

  #acknowledge() {
    return this.#try(async () => {
      await acknowledge(this.#id, this.note.value.trim());
      this.frame.close();
      this.onChange();
    });
  }
}

/** @param {Transition} transition */
function lineOf({ kind, at, late, value, who, note }) {
  const parts = [momentText(Date.parse(at)), stateName(kind, late)];
  for (const part of [value === null ? "" : textOf(value), who, note])
    if (part) parts.push(part);
  return element("li", { text: parts.join(" · ") });
}
