/**
 * The filter box: what its text means, and what is said below it.
 *
 * A text is a filter. One that cannot be read as such, or that is plain words and
 * finds nothing, is searched for as words.
 *
 * @module
 */

import { gridOf } from "../live.js";
import { byId, element } from "./elements.js";
import { marked, proposalFor } from "./filter_problem.js";
import { WordSearch } from "./word_search.js";
import { isPlain } from "./words.js";

/** @import { Live, Rec, Watch } from "../live.js" */
/** @import { View } from "./address.js" */

/**
 * @typedef {object} Handlers
 * @property {(watch: Watch) => void} onStart Its records replace those that are shown.
 * @property {(watch: Watch, records: Rec[], gone: string[]) => void} onRecords
 * @property {(filter: string, reading?: View["reading"]) => void} onGo The user takes
 *   another filter, or another reading of the text.
 */

export class Search {
  #text = "";
  /** @type {View["reading"]} */
  #reading = "";
  /** @type {Watch | null} The watch whose records are shown. */
  #shown = null;
  /** @type {Watch | null} The watch of a new filter, before its first answer. */
  #next = null;
  /** Whether the records that are shown were found by words. */
  isByWords = false;

  #problem = byId("problem", HTMLElement);
  #note = byId("reading", HTMLElement);

  /**
   * @param {Live} live
   * @param {string | undefined} project
   * @param {Handlers} handlers
   */
  constructor(live, project, handlers) {
    this.live = live;
    this.handlers = handlers;
    this.words = new WordSearch(project);
  }

  /** @param {Pick<View, "filter" | "reading">} view */
  show({ filter, reading }) {
    if (filter === this.#text && reading === this.#reading) return;
    this.#text = filter;
    this.#reading = reading;
    this.#problem.replaceChildren();
    this.#note.replaceChildren();
    this.#watch({ filter, dis: "explorer" }, (reason) => this.#onRefused(reason));
  }

  /** Watch the same text anew when it is shown again. */
  forget() {
    this.#text = "";
  }

  /** @param {string} id */
  record(id) {
    return this.#shown?.records.get(id);
  }

  /**
   * @param {import("../live.js").Subject} subject
   * @param {(reason: string) => void} onEnd
   */
  #watch(subject, onEnd) {
    this.#next?.close();
    const started = this.live.watch(subject, {
      onRecords: (records, gone) => {
        if (started !== this.#shown && !this.#begin(started, subject)) return;
        this.handlers.onRecords(started, records, gone);
      },
      onEnd: (reason) => {
        if (started === this.#next) this.#next = null;
        onEnd(reason);
      },
    });
    this.#next = started;
  }

  /**
   * @param {Watch} started
   * @param {import("../live.js").Subject} subject
   * @returns {boolean} Whether its records are to be shown.
   */
  #begin(started, { filter }) {
    if (started !== this.#next) return false;
    this.#shown?.close();
    this.#shown = started;
    this.#next = null;
    this.isByWords = !filter;
    this.handlers.onStart(started);
    if (filter && !started.records.size && !this.#reading && isPlain(filter))
      this.#searchWords("");
    return true;
  }

  /** @param {string} reason Why the server refuses the filter. */
  #onRefused(reason) {
    if (this.#reading || !this.live.isOpen) this.#explain(reason);
    else this.#searchWords(reason);
  }

  /** @param {string} reason Why the text is not a filter; empty if it is one. */
  async #searchWords(reason) {
    const text = this.#text;
    const found = await this.words.search(text).catch(() => null);
    if (text !== this.#text) return;
    if (!found?.count) {
      if (reason) await this.#explain(reason);
      else this.#note.textContent = found ? "No names have these words either." : "";
      return;
    }
    this.#watch({ ids: found.ids, dis: "explorer" }, (end) => this.#explain(end));
    const some =
      found.count > found.ids.length ? `, the first ${found.ids.length}` : "";
    const click = () => this.handlers.onGo(text, "filter");
    this.#note.replaceChildren(
      `Read as words, in names and ids, also of site and equip${some}. `,
      element("button", { type: "button", text: "Read as a filter", click }),
    );
  }

  /** @param {string} reason */
  async #explain(reason) {
    const text = this.#text;
    const mark = marked(text, reason);
    this.#problem.replaceChildren(
      ...(mark ? [mark] : []),
      element("span", { text: reason }),
    );
    const proposal = proposalFor(text);
    if (proposal === text || !(await this.#isFilter(proposal))) return;
    if (text !== this.#text) return;
    const click = () => this.handlers.onGo(proposal);
    this.#problem.append(
      element(
        "span",
        {},
        document.createTextNode("Did you mean "),
        element("button", { type: "button", text: proposal, click }),
      ),
    );
  }

  /** @param {string} filter */
  async #isFilter(filter) {
    const request = gridOf([{ filter, limit: 1 }]);
    return this.live.call("read", request).then(
      () => true,
      () => false,
    );
  }
}
