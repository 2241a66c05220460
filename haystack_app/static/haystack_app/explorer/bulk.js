/**
 * Change a tag of all entities that match the filter: preview, change, undo.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { gridOf } from "../live.js";
import { byId, choice, element, textField } from "../shared/elements.js";
import { revert } from "../shared/rest.js";
import { KINDS, tagInput } from "./tag_input.js";
import { differences, nameOf, numberOf, textOf } from "../shared/values.js";

/** @import { Dict, Grid, Hayson, Live } from "../live.js" */
/** @import { Kind, TagInput } from "./tag_input.js" */

/** What the form does, by what the user reads. */
const ACTIONS = /** @type {const} */ ({
  set: gettext("Set a tag"),
  remove: gettext("Remove a tag"),
  rename: gettext("Rename a tag"),
});

export class Bulk {
  /** @type {string} The filter; empty before the first one. */
  #filter = "";
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  /** @type {TagInput} */
  #input = tagInput("Marker", null, gettext("Value"));

  #details = byId("bulk", HTMLDetailsElement);
  #form = byId("bulk-form", HTMLFormElement);
  #problem = byId("bulk-problem", HTMLElement);
  #result = byId("bulk-result", HTMLElement);
  #action = choice(gettext("Action"), Object.entries(ACTIONS));
  #name = textField(gettext("Tag"), gettext("tag"));
  #newName = textField(gettext("New name"), gettext("new name"));
  #kind = choice(gettext("Kind of the value"), [...KINDS]);
  #value = element("span", { class: "value" });

  /** @param {Live["call"]} call */
  constructor(call) {
    this.call = call;
    this.#form.append(
      this.#action,
      this.#name,
      this.#kind,
      this.#value,
      this.#newName,
      element("button", { class: "button", text: gettext("Preview") }),
    );
    this.#action.addEventListener("change", () => this.#choose());
    this.#kind.addEventListener("change", () => this.#choose());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#preview();
    });
    // what is shown is what the button changes
    this.#form.addEventListener("input", () => this.#clear());
    this.#choose();
  }

  /**
   * @param {string} filter What the page shows.
   * @param {boolean} isByWords Whether words are shown, which are not a filter.
   */
  show(filter, isByWords) {
    this.#details.hidden = isByWords;
    if (filter === this.#filter) return;
    this.#filter = filter;
    this.#clear();
  }

  #clear() {
    this.#round++;
    this.#problem.textContent = "";
    this.#result.replaceChildren();
  }

  #choose() {
    const action = this.#action.value;
    this.#kind.hidden = this.#value.hidden = action !== "set";
    this.#newName.hidden = action !== "rename";
    this.#input = tagInput(
      /** @type {Kind} */ (this.#kind.value),
      null,
      gettext("Value"),
    );
    this.#value.replaceChildren(this.#input.field);
  }

  /**
   * @returns {Promise<{meta: Dict, rows: Dict[]}>} Rejects with an Error for a value
   *     that is invalid.
   */
  async #request() {
    const name = this.#name.value.trim();
    if (!name) throw new Error(gettext("write the name of a tag"));
    const action = this.#action.value;
    /** @type {Dict} */
    const meta = { filter: this.#filter };
    if (action === "rename") {
      meta.rename = { [name]: this.#newName.value.trim() };
      return { meta, rows: [] };
    }
    /** @type {Hayson} */
    const value = action === "remove" ? { _kind: "remove" } : await this.#input.read();
    return { meta, rows: [{ [name]: value }] };
  }

  async #preview() {
    this.#clear();
    const round = this.#round;
    try {
      const { meta, rows } = await this.#request();
      const dry = gridOf(rows, { ...meta, dryRun: { _kind: "marker" } });
      const answer = await this.call("bulkUpdate", dry);
      if (round === this.#round) this.#propose(answer, gridOf(rows, meta));
    } catch (error) {
      if (round === this.#round) this.#say(error);
    }
  }

  /** @param {Grid} request That of the preview. */
  async #change(request) {
    this.#clear();
    try {
      const { meta } = await this.call("bulkUpdate", request);
      this.#done(numberOf(meta.changed), textOf(meta.cursor));
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {unknown} error */
  #say(error) {
    this.#problem.textContent = /** @type {Error} */ (error).message;
  }

  /**
   * @param {Grid} answer Of the preview.
   * @param {Grid} request What makes the change.
   */
  #propose({ meta, rows }, request) {
    const [count = 0, changed = 0] = [meta.count, meta.changed].map(numberOf);
    const text = ngettext(
      "%(count)s entity of %(total)s would change.",
      "%(count)s entities of %(total)s would change.",
      changed,
      { total: String(count) },
    );
    this.#result.replaceChildren(element("p", { role: "status", text }));
    if (!changed) return;
    const lines = rows.map((row) =>
      element("li", { text: `${nameOf({ id: row.id })}: ${difference(row)}` }),
    );
    const more = changed - rows.length;
    if (more > 0)
      lines.push(
        element("li", {
          text: gettext("and %(count)s more", { count: more }),
        }),
      );
    const click = () => this.#change(request);
    const label = ngettext(
      "Change %(count)s entity",
      "Change %(count)s entities",
      changed,
    );
    this.#result.append(
      element("button", { type: "button", class: "button", text: label, click }),
      element("ul", {}, ...lines),
    );
  }

  /**
   * @param {number} changed
   * @param {string} cursor Of the commit, for its undo.
   */
  #done(changed, cursor) {
    const text = ngettext(
      "%(count)s entity changed.",
      "%(count)s entities changed.",
      changed,
    );
    const status = element("p", { role: "status", text: `${text} ` });
    this.#result.replaceChildren(status);
    if (!cursor) return;
    const click = async () => {
      try {
        const { updated } = await revert(cursor, {});
        status.textContent = ngettext(
          "%(count)s entity set back.",
          "%(count)s entities set back.",
          updated.length,
        );
      } catch (error) {
        this.#say(error);
      }
    };
    status.append(element("button", { type: "button", text: gettext("Undo"), click }));
  }
}

/** @param {Dict} row With `before` and `after`. */
function difference({ before, after }) {
  const [was, is] = /** @type {Dict[]} */ ([before ?? {}, after ?? {}]);
  return differences(was ?? {}, is ?? {}).join(", ");
}
