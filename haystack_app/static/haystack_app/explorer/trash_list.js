/**
 * The list of what is in the trash: look at it, restore it, empty it.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { byId, element } from "../shared/elements.js";
import { changeEntity, readEntities } from "../shared/rest.js";
import { instantOf, momentText, nameOf, numberOf, textOf } from "../shared/values.js";

/** @import { Dict, Live, Rec } from "../live.js" */
/** @import { Rights } from "./rights.js" */

const PAGE = "100";
const MARKER = /** @type {const} */ ({ _kind: "marker" });

export class TrashList {
  #isOpen = false;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  /** @type {string | null} The cursor of the next page. */
  #next = null;

  #panel = byId("trash", HTMLElement);
  #note = byId("trash-note", HTMLElement);
  #body = byId("trashed", HTMLTableSectionElement);
  #more = byId("trash-more", HTMLButtonElement);
  #empty = byId("trash-empty", HTMLButtonElement);
  #ask = byId("trash-ask", HTMLElement);

  /**
   * @param {Live["call"]} call
   * @param {string | undefined} project
   * @param {{may: Rights, onDismiss: () => void}} options
   */
  constructor(call, project, { may, onDismiss }) {
    this.call = call;
    this.project = project;
    this.may = may;
    byId("trash-close", HTMLElement).addEventListener("click", onDismiss);
    this.#more.addEventListener("click", () => this.#load());
    this.#empty.addEventListener("click", () => this.#askToEmpty());
  }

  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#panel.hidden = false;
    byId("trash-name", HTMLElement).focus();
    this.#reload();
  }

  close() {
    this.#isOpen = false;
    this.#round++;
    this.#panel.hidden = true;
    this.#body.replaceChildren();
    this.#ask.replaceChildren();
  }

  async #reload() {
    this.#next = null;
    this.#body.replaceChildren();
    await this.#load();
  }

  async #load() {
    const round = ++this.#round;
    const query = new URLSearchParams({ filter: "trash", trash: "true", limit: PAGE });
    if (this.#next) query.set("cursor", this.#next);
    try {
      const { results, next } = await readEntities(this.project, query);
      if (round !== this.#round) return;
      this.#next = next;
      this.#body.append(...results.map((record) => this.#row(record)));
      this.#say();
    } catch (error) {
      if (round === this.#round) this.#fail(error);
    }
  }

  #say() {
    const count = this.#body.children.length;
    this.#note.textContent = count
      ? interpolate(
          this.#next
            ? gettext("%(count)s and more in the trash.")
            : gettext("%(count)s in the trash."),
          { count: String(count) },
        )
      : gettext("The trash is empty.");
    this.#more.hidden = !this.#next;
    this.#empty.hidden = !count || !this.may.has("empty_trash");
  }

  /** @param {Rec} record */
  #row(record) {
    const name = nameOf(record);
    const buttons = [];
    if (this.may.has("change_entity"))
      buttons.push(
        button(gettext("Restore"), gettext("Restore %(name)s", { name }), () =>
          this.#restore(record),
        ),
      );
    if (this.may.has("empty_trash"))
      buttons.push(
        button(gettext("Remove"), gettext("Remove %(name)s", { name }), () =>
          this.#askFor([refOf(record.id.val)], name),
        ),
      );
    const size = numberOf(record.hisSize ?? 0);
    const tags = Object.entries(record).filter(([tag]) => tag !== "id");
    return element(
      "tr",
      { data: { id: record.id.val } },
      element(
        "th",
        { scope: "row" },
        element(
          "details",
          {},
          element("summary", { text: name }),
          element("p", {
            class: "note",
            text: tags.map(([tag, value]) => `${tag}: ${textOf(value)}`).join(", "),
          }),
        ),
      ),
      element("td", { text: momentText(instantOf(record.mod)) }),
      element("td", {
        text: size ? ngettext("%(count)s sample", "%(count)s samples", size) : "",
      }),
      element("td", {}, ...buttons),
    );
  }

  /** @param {Rec} record */
  async #restore(record) {
    try {
      await changeEntity(record, { trash: null });
      await this.#reload();
      const text = gettext("%(name)s is restored.", {
        name: nameOf(record),
      });
      this.#note.textContent = `${text} ${this.#note.textContent}`;
    } catch (error) {
      this.#fail(error);
    }
  }

  #askToEmpty() {
    this.#askFor(null, "");
  }

  /**
   * @param {Dict["id"][] | null} refs Of what is to be removed; null for everything.
   * @param {string} what Its name; empty for everything.
   * @param {boolean} [force]
   */
  #askFor(refs, what, force = false) {
    const text = force ? gettext("Remove anyway") : gettext("Remove for good");
    const question = what
      ? gettext("Remove %(name)s, with its samples? This has no undo.", {
          name: what,
        })
      : gettext("Remove everything in the trash, with its samples? This has no undo.");
    const remove = () => this.#remove(refs, what, force);
    const cancel = () => this.#ask.replaceChildren();
    this.#ask.replaceChildren(
      element("p", { text: question }),
      element("button", { type: "button", class: "button", text, click: remove }),
      element("button", { type: "button", text: gettext("Cancel"), click: cancel }),
    );
    this.#ask.querySelector("button")?.focus();
  }

  /**
   * @param {Dict["id"][] | null} refs
   * @param {string} what
   * @param {boolean} force
   */
  async #remove(refs, what, force) {
    try {
      const rows = (refs ?? []).map((id) => ({ id: id ?? null }));
      const meta = {
        ...(refs ? {} : { all: MARKER }),
        ...(force ? { force: MARKER } : {}),
      };
      let count = 0;
      let answer;
      do {
        answer = await this.call("emptyTrash", gridOf(rows, meta));
        count += numberOf(answer.meta.count ?? 0);
      } while (answer.meta.incomplete);
      this.#ask.replaceChildren();
      await this.#reload();
      const text = gettext("%(count)s removed.", { count: String(count) });
      this.#note.textContent = `${text} ${this.#note.textContent}`;
      if (answer.rows.length) this.#offer(answer.rows, refs, what);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Say what stays because others refer to it, and offer to remove it anyway.
   *
   * @param {Dict[]} kept
   * @param {Dict["id"][] | null} refs
   * @param {string} what
   */
  #offer(kept, refs, what) {
    this.#askFor(refs, what, true);
    const text = kept
      .slice(0, 10)
      .map(({ id, usedBy }) => {
        const used = usedBy
          ? gettext("%(name)s is used by %(other)s")
          : gettext("%(name)s is used by an entity that you may not see");
        return interpolate(used, { name: textOf(id), other: textOf(usedBy) });
      })
      .join(", ");
    this.#ask.prepend(
      element("p", {
        text: gettext("Not removed: %(names)s.", { names: text }),
      }),
    );
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#note.textContent = /** @type {Error} */ (error).message;
  }
}

/**
 * @param {string} text
 * @param {string} label For readers that do not see the row.
 * @param {() => void} click
 */
const button = (text, label, click) =>
  element("button", { type: "button", text, "aria-label": label, click });
