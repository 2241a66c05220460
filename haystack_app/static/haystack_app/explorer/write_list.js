/**
 * Writes to priority arrays: the list of all of them, and those of one point.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { readWrites, readWritesOf } from "../shared/rest.js";
import { momentText, textOf } from "../shared/values.js";

/** @import { Write } from "../shared/rest.js" */

const OF_A_POINT = "20";

export class WriteList {
  #isOpen = false;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  /** @type {string | null} The cursor of the next page. */
  #next = null;

  #panel = byId("writes", HTMLElement);
  #note = byId("writes-note", HTMLElement);
  #body = byId("written-rows", HTMLTableSectionElement);
  #more = byId("writes-more", HTMLButtonElement);

  /** @param {{onSelect: (id: string) => void, onDismiss: () => void}} handlers */
  constructor({ onSelect, onDismiss }) {
    this.onSelect = onSelect;
    byId("writes-close", HTMLElement).addEventListener("click", onDismiss);
    this.#more.addEventListener("click", () => this.#load());
  }

  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#panel.hidden = false;
    byId("writes-name", HTMLElement).focus();
    this.#load();
  }

  close() {
    this.#isOpen = false;
    this.#round++;
    this.#next = null;
    this.#panel.hidden = true;
    this.#body.replaceChildren();
  }

  async #load() {
    const round = ++this.#round;
    try {
      const { results, next } = await readWrites(this.#next);
      if (round !== this.#round) return;
      this.#next = next;
      this.#more.hidden = !next;
      this.#body.append(...results.map((write) => this.#row(write)));
      const count = this.#body.children.length;
      const text = next
        ? ngettext("The newest %(count)s write", "The newest %(count)s writes", count)
        : ngettext("%(count)s write", "%(count)s writes", count);
      this.#note.textContent = text;
    } catch (error) {
      if (round === this.#round)
        this.#note.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {Write} write */
  #row(write) {
    const { id = "", dis } = write;
    const select = () => this.onSelect(id);
    const text = dis || `@${id}`;
    const name = dis
      ? element("button", { type: "button", class: "name", text, click: select })
      : element("span", { text });
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", { text: momentText(Date.parse(write.at)) }),
      element("td", { text: whatText(write) }),
      element("td", { text: authorText(write) }),
    );
  }
}

/** The writes of the point whose panel is open. */
export class PointWrites {
  /** @type {string} */
  #id = "";
  #round = 0;

  #details = byId("point-writes", HTMLDetailsElement);
  #list = byId("point-write-list", HTMLElement);

  constructor() {
    this.#details.addEventListener("toggle", () => this.load());
  }

  /** @param {string} id */
  show(id) {
    this.#id = id;
    this.load();
  }

  clear() {
    this.#round++;
    this.#id = "";
    this.#details.open = false;
    this.#list.replaceChildren();
  }

  async load() {
    if (!this.#details.open || !this.#id) return;
    const round = ++this.#round;
    try {
      const writes = await readWritesOf(this.#id, OF_A_POINT);
      if (round !== this.#round) return;
      const lines = writes.map((write) => {
        const by = authorText(write);
        const at = momentText(Date.parse(write.at));
        const what = whatText(write);
        const text = by
          ? gettext("%(time)s: %(what)s by %(who)s", {
              time: at,
              what,
              who: by,
            })
          : `${at}: ${what}`;
        return element("li", { text });
      });
      const nothing = element("li", {
        text: gettext("The log of writes has no entry of it."),
      });
      this.#list.replaceChildren(...(lines.length ? lines : [nothing]));
    } catch (error) {
      const text = /** @type {Error} */ (error).message;
      if (round === this.#round) this.#list.replaceChildren(element("li", { text }));
    }
  }
}

/** @param {Write} write */
function whatText({ level, kind, val, expires }) {
  if (kind === "release") return gettext("level %(level)s released", { level });
  if (kind === "expire") return gettext("level %(level)s expired", { level });
  const value = textOf(val);
  if (!expires) return gettext("level %(level)s set to %(value)s", { level, value });
  return gettext("level %(level)s set to %(value)s until %(time)s", {
    level,
    value,
    time: momentText(Date.parse(expires)),
  });
}

/** @param {Write} write */
function authorText({ who, user }) {
  if (!user || who === user || who.startsWith(`${user}:`)) return who;
  return who ? `${who} (${user})` : user;
}
