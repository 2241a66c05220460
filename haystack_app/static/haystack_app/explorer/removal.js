/**
 * Part of the panel of one record: its removal, after what it concerns was shown.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { byId, element } from "../shared/elements.js";
import { moveToTrash, readRemoval } from "../shared/rest.js";
import { nameOf } from "../shared/values.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Removal as Concerned } from "../shared/rest.js" */
/** @import { Rights } from "./rights.js" */

const NAMED = 5;

export class Removal {
  /** @type {Rec | null} */
  #record = null;

  #button = byId("remove", HTMLButtonElement);
  #place = byId("removal", HTMLElement);

  /**
   * @param {Live["call"]} call
   * @param {Rights} may
   * @param {() => void} onRemoved
   */
  constructor(call, may, onRemoved) {
    this.call = call;
    this.may = may;
    this.onRemoved = onRemoved;
    this.#button.addEventListener("click", () => this.#preview());
  }

  /** @param {Rec} record The record of the panel, whenever it changes. */
  update(record) {
    this.#record = record;
    this.#button.hidden = !this.may.has("delete_entity");
  }

  clear() {
    this.#record = null;
    this.#button.hidden = true;
    this.#place.replaceChildren();
  }

  /** Say what the removal concerns, and ask. */
  async #preview() {
    const record = this.#record;
    if (!record) return;
    try {
      const found = await readRemoval(record.id.val);
      if (this.#record?.id.val !== record.id.val) return;
      const buttons = [
        this.#ask(gettext("Move to the trash"), () => moveToTrash(record)),
      ];
      const { referrers, more } = found;
      if (referrers.length && !more && this.may.has("change_entity"))
        buttons.push(
          this.#ask(moveText(referrers.length), () =>
            this.#moveAll([record, ...referrers]),
          ),
        );
      const cancel = () => this.#place.replaceChildren();
      this.#place.replaceChildren(
        element("p", { text: summary(found) }),
        ...buttons,
        element("button", { type: "button", text: gettext("Cancel"), click: cancel }),
      );
      this.#place.querySelector("button")?.focus();
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {Rec[]} records As they were shown: one that was changed since is refused. */
  async #moveAll(records) {
    const rows = records.map(({ id, mod }) => ({
      id: refOf(id.val),
      mod: mod ?? null,
    }));
    const marker = { _kind: /** @type {const} */ ("marker") };
    await this.call("commit", gridOf(rows, { commit: "remove", trash: marker }));
  }

  /**
   * @param {string} text
   * @param {() => Promise<void>} act
   */
  #ask(text, act) {
    const click = async () => {
      try {
        await act();
        this.onRemoved();
      } catch (error) {
        this.#say(error);
      }
    };
    return element("button", { type: "button", class: "button", text, click });
  }

  /** @param {unknown} error */
  #say(error) {
    const text = /** @type {Error} */ (error).message;
    this.#place.replaceChildren(element("p", { role: "alert", text }));
  }
}

/** @param {number} count Of the entities that refer to it. */
const moveText = (count) =>
  ngettext(
    "Move it and the %(count)s that refers to it",
    "Move it and the %(count)s that refer to it",
    count,
  );

/** @param {Concerned} found */
function summary({ referrers, more, samples }) {
  const names = referrers.slice(0, NAMED).map(nameOf).join(", ");
  const rest = more || referrers.length > NAMED ? " .." : "";
  const count = referrers.length;
  const refer = more
    ? gettext("%(count)s or more entities refer to it: %(names)s.")
    : ngettext(
        "%(count)s entity refers to it: %(names)s.",
        "%(count)s entities refer to it: %(names)s.",
        count,
      );
  const stay = ngettext(
    "%(count)s sample stays in the trash with it.",
    "%(count)s samples stay in the trash with it.",
    samples,
  );
  return [
    count
      ? interpolate(refer, { count, names: names + rest })
      : gettext("No entity refers to it."),
    samples ? stay : gettext("It has no samples."),
  ].join(" ");
}
