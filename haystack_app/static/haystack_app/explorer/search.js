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
import { inPages, pagesOf } from "./id_pages.js";
import { WordSearch } from "./word_search.js";
import { isPlain } from "./words.js";

/** @import { Live, Rec, Subject, Watch } from "../live.js" */
/** @import { Page } from "./id_pages.js" */
/** @import { View } from "./address.js" */

/**
 * @typedef {object} Handlers
 * @property {() => void} onStart Other records replace those that are shown.
 * @property {(records: Rec[], gone: string[]) => void} onRecords
 * @property {(filter: string, reading?: View["reading"]) => void} onGo The user takes
 *   another filter, or another reading of the text.
 */

export class Search {
  #text = "";
  /** @type {View["reading"]} */
  #reading = "";
  /** @type {Watch[]} The watches whose records are shown: one, or one a page. */
  #shown = [];
  /** @type {Watch | null} The watch of a new filter, before its first answer. */
  #next = null;
  /** @type {AsyncGenerator<Page, void> | null} Of ids, if they are not watched at once. */
  #pages = null;
  /** Whether the records that are shown were found by words. */
  isByWords = false;
  /** Whether more records match than have been loaded. */
  hasMore = false;

  #problem = byId("problem", HTMLElement);
  #note = byId("reading", HTMLElement);

  /**
   * @param {Live} live
   * @param {string | undefined} project
   * @param {Handlers} handlers
   */
  constructor(live, project, handlers) {
    this.live = live;
    this.project = project;
    this.handlers = handlers;
    this.words = new WordSearch(project);
  }

  /** @param {Pick<View, "filter" | "reading">} view */
  show({ filter, reading }) {
    if (filter === this.#text && reading === this.#reading) return;
    this.#text = filter;
    this.#reading = reading;
    this.#pages = null;
    this.#problem.replaceChildren();
    this.#note.replaceChildren();
    this.#watch({ filter, dis: "explorer" }, (reason) => this.#onRefused(reason));
  }

  /** Watch the same text anew when it is shown again. */
  forget() {
    this.#text = "";
  }

  /** @returns {number} Records that are shown. */
  get size() {
    return this.#shown.reduce((sum, { records }) => sum + records.size, 0);
  }

  /** @param {string} id */
  record(id) {
    return this.#shown.find(({ records }) => records.has(id))?.records.get(id);
  }

  /** Load the next page of records. */
  async more() {
    await this.#load(true);
  }

  /**
   * Watch the next page of ids.
   *
   * @param {boolean} isMore Whether its records are added to those that are shown.
   */
  async #load(isMore) {
    const pages = this.#pages;
    try {
      const { value } = (await pages?.next()) ?? {};
      if (!value || pages !== this.#pages) return;
      const { ids, isLast } = value;
      const onEnd = (/** @type {string} */ end) => this.#explain(end);
      this.#watch({ ids, dis: "explorer" }, onEnd, { isMore, hasMore: !isLast });
    } catch (error) {
      this.#explain(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Subject} subject
   * @param {(reason: string) => void} onEnd
   * @param {{isMore?: boolean, hasMore?: boolean}} [page]
   */
  #watch(subject, onEnd, { isMore = false, hasMore = false } = {}) {
    this.#next?.close();
    const started = this.live.watch(subject, {
      onRecords: (records, gone) => {
        if (started === this.#next) this.#begin(started, subject, { isMore, hasMore });
        if (this.#shown.includes(started)) this.handlers.onRecords(records, gone);
      },
      onEnd: (reason) => {
        if (started === this.#next) this.#next = null;
        onEnd(reason);
      },
    });
    this.#next = started;
  }

  /**
   * @param {Watch} started The first answer of which is there.
   * @param {Subject} subject
   * @param {{isMore: boolean, hasMore: boolean}} page
   */
  #begin(started, { filter }, { isMore, hasMore }) {
    this.#next = null;
    this.hasMore = hasMore;
    if (isMore) {
      this.#shown.push(started);
      return;
    }
    for (const watch of this.#shown) watch.close();
    this.#shown = [started];
    if (filter) this.isByWords = false;
    this.handlers.onStart();
    if (filter && !started.records.size && !this.#reading && isPlain(filter))
      this.#searchWords("");
  }

  /** @param {string} reason Why the server refuses the filter. */
  async #onRefused(reason) {
    const text = this.#text;
    const isTooLarge = this.live.isOpen && (await this.#isFilter(text));
    if (text !== this.#text) return;
    if (isTooLarge) {
      this.#note.textContent = `${reason}: they are loaded in pages, in order of their ids.`;
      this.isByWords = false;
      this.#pages = pagesOf(this.project, text);
      this.#load(false);
    } else if (this.#reading || !this.live.isOpen) this.#explain(reason);
    else this.#searchWords(reason);
  }

  /** @param {string} reason Why the text is not a filter; empty if it is one. */
  async #searchWords(reason) {
    const text = this.#text;
    const found = await this.words.search(text).catch(() => null);
    if (text !== this.#text) return;
    if (!found?.length) {
      if (reason) await this.#explain(reason);
      else this.#note.textContent = found ? "No names have these words either." : "";
      return;
    }
    this.isByWords = true;
    this.#pages = inPages(found);
    this.#load(false);
    const click = () => this.handlers.onGo(text, "filter");
    this.#note.replaceChildren(
      `Read as words, in names and ids, also of site and equip. `,
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
