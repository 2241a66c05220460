/**
 * Part of the panel of one record: what was changed, by whom, and its undo.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { readChanges, readCommit, revert } from "../shared/rest.js";
import { differences, momentText } from "../shared/values.js";

/** @import { Rec } from "../live.js" */
/** @import { Change, Commit, Reversal } from "../shared/rest.js" */

const SHOWN = 20;
const WORDS = {
  add: gettext("added"),
  update: gettext("changed"),
  remove: gettext("removed"),
};

export class ChangeList {
  /** @type {string} */
  #id = "";
  #mod = "";
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;

  #details = byId("changes", HTMLDetailsElement);
  #list = byId("change-list", HTMLElement);
  #note = byId("changes-note", HTMLElement);

  /** @param {boolean} mayChange */
  constructor(mayChange) {
    this.mayChange = mayChange;
    this.#details.addEventListener("toggle", () => this.#load());
  }

  /** @param {Rec} record The record of the panel, whenever it changes. */
  update({ id, mod }) {
    const text = JSON.stringify(mod ?? null);
    if (this.#id === id.val && this.#mod === text) return;
    this.#id = id.val;
    this.#mod = text;
    this.#details.hidden = false;
    this.#load();
  }

  clear() {
    this.#round++;
    this.#id = this.#mod = "";
    this.#details.hidden = true;
    this.#details.open = false;
    this.#list.replaceChildren();
    this.#note.textContent = "";
  }

  async #load() {
    if (!this.#details.open || !this.#id) return;
    const round = ++this.#round;
    try {
      const changes = await readChanges(this.#id);
      if (round !== this.#round) return;
      const shown = changes.slice(0, SHOWN).map((change) => this.#item(change));
      this.#list.replaceChildren(...shown);
      if (!shown.length)
        this.#note.textContent = gettext("The change log has no entry of it.");
    } catch (error) {
      if (round === this.#round) this.#say(error);
    }
  }

  /** @param {Change} change */
  #item(change) {
    const { who } = change;
    const what = WORDS[change.kind];
    const time = momentText(Date.parse(change.at));
    const item = element(
      "li",
      {},
      element("span", {
        text: who
          ? gettext("%(time)s: %(what)s by %(who)s", { time, what, who })
          : `${time}: ${what}`,
      }),
      ...tagLines(change),
    );
    if (!this.mayChange) return item;
    const undo = () => this.#preview(change, item);
    const label = gettext("Undo the change of %(time)s", { time });
    item.append(
      element("button", {
        type: "button",
        text: gettext("Undo"),
        "aria-label": label,
        click: undo,
      }),
    );
    return item;
  }

  /**
   * Say what the undo would do, and ask.
   *
   * @param {Change} change
   * @param {HTMLElement} item
   */
  async #preview(change, item) {
    this.#note.textContent = "";
    try {
      const commit = await readCommit(change.cursor);
      this.#list.querySelector(".undo")?.remove();
      const buttons = [
        this.#button(gettext("Undo this entity"), change, { entity: change.id }),
      ];
      if (commit.count > 1)
        buttons.push(
          this.#button(
            gettext("Undo all %(count)s entities", {
              count: String(commit.count),
            }),
            change,
            {},
          ),
        );
      if (commit.undo.conflicts.length)
        buttons.push(
          this.#button(gettext("Undo the rest"), change, { partly: "true" }),
        );
      const box = element(
        "div",
        { class: "undo", role: "group", "aria-label": gettext("Undo") },
        element("p", { text: summary(commit) }),
        ...buttons,
      );
      item.append(box);
      box.querySelector("button")?.focus();
    } catch (error) {
      this.#say(error);
    }
  }

  /**
   * @param {string} text
   * @param {Change} change
   * @param {Record<string, string>} part
   */
  #button(text, change, part) {
    const click = () => this.#undo(change, part);
    return element("button", { type: "button", class: "button", text, click });
  }

  /**
   * @param {Change} change
   * @param {Record<string, string>} part
   */
  async #undo(change, part) {
    try {
      const done = await revert(change.cursor, part);
      this.#note.textContent = outcome(done);
      this.#load();
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {unknown} error */
  #say(error) {
    this.#note.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {Change} change */
function tagLines({ kind, before, after }) {
  if (kind !== "update") return [];
  return differences(before, after).map((text) =>
    element("span", { class: "tag", text }),
  );
}

/** @param {Commit} commit */
function summary({ count, undo }) {
  const stays = undo.conflicts.length;
  const lines = [
    ngettext(
      "%(count)s entity was changed.",
      "%(count)s entities were changed together.",
      count,
    ),
  ];
  if (stays) {
    const [first] = undo.conflicts;
    lines.push(
      ngettext(
        "%(count)s cannot be undone: @%(id)s %(tag)s %(reason)s.",
        "%(count)s cannot be undone: @%(id)s %(tag)s %(reason)s.",
        stays,
        { id: "", tag: "", reason: "", ...first },
      ),
    );
  }
  if (undo.samplesLost.length)
    lines.push(gettext("Samples of removed points do not come back."));
  return lines.join(" ");
}

/** @param {Reversal} done */
function outcome(done) {
  const counts = /** @type {const} */ ([
    [gettext("%(count)s set back"), done.updated],
    [gettext("%(count)s added again"), done.added],
    [gettext("%(count)s removed"), done.removed],
    [gettext("%(count)s as before already"), done.unchanged],
    [gettext("%(count)s left as they are"), done.conflicts],
    [gettext("%(count)s restored refs lead nowhere"), done.dangling],
  ]);
  const shown = counts
    .filter(([, found]) => found.length)
    .map(([text, found]) => interpolate(text, { count: found.length }));
  return `${shown.join(", ")}.`;
}
