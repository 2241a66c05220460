/**
 * The filter box: what its text means, and what is said below it.
 *
 * A text is a filter. One that cannot be read as such, or that is plain words and
 * finds nothing, is searched for as words.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { gridOf } from "../live.js";
import { byId, element } from "../shared/elements.js";
import { marked, proposalFor } from "./filter_problem.js";
import { Matches } from "./matches.js";
import { isPlain, wordsOf } from "./words.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { View } from "./address.js" */
/** @import { RequestError } from "../shared/rest.js" */

/** The status of a filter that cannot be read. */
const INVALID = 400;

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
  /** @type {string[]} */
  #columns = [];
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
    this.matches = new Matches(live, project, {
      ...handlers,
      onProblem: (reason) => this.#explain(reason),
      onCount: (count) => this.#offer(count),
    });
  }

  /** @param {Pick<View, "filter" | "reading" | "columns">} view */
  show({ filter, reading, columns }) {
    const isSame = filter === this.#text && reading === this.#reading;
    this.#columns = columns;
    if (isSame && !this.matches.lacks(columns)) return;
    this.#text = filter;
    this.#reading = reading;
    this.#problem.replaceChildren();
    this.#note.replaceChildren();
    this.#find(filter);
  }

  /** Watch the same text anew when it is shown again. */
  forget() {
    this.#text = "";
  }

  /** @param {string} filter */
  async #find(filter) {
    const asked = { filter };
    try {
      const first = await this.matches.read(asked, this.#columns);
      if (filter !== this.#text) return;
      this.isByWords = false;
      this.matches.show(asked, first, this.#columns);
      if (!first.results.length && !this.#reading && isPlain(filter))
        this.#searchWords("");
    } catch (error) {
      if (filter === this.#text) this.#onRefused(error);
    }
  }

  /** @param {unknown} error */
  #onRefused(error) {
    const { message, status } = /** @type {RequestError} */ (error);
    if (status === INVALID && this.#reading) this.#explain(message);
    else if (status === INVALID) this.#searchWords(message);
    // the connection says what is wrong, and tries again
    else this.matches.showWatched(this.#text, this.#columns);
  }

  /** @param {string} reason Why the text is not a filter; empty if it is one. */
  async #searchWords(reason) {
    const text = this.#text;
    const asked = { search: wordsOf(text).join(" ") };
    const found = await this.matches.read(asked, this.#columns).catch(() => null);
    if (text !== this.#text) return;
    if (!found?.results.length) {
      if (reason) await this.#explain(reason);
      else
        this.#note.textContent = found
          ? gettext("No names have these words either.")
          : "";
      return;
    }
    this.isByWords = true;
    this.matches.show(asked, found, this.#columns);
    const click = () => this.handlers.onGo(text, "filter");
    this.#note.replaceChildren(
      `${gettext("Read as words, in names and ids, and in names of site and equip.")} `,
      element("button", { type: "button", text: gettext("Read as a filter"), click }),
    );
  }

  /** @param {number} count So many match now; what is shown is older. */
  #offer(count) {
    const text = this.#text;
    const click = () => {
      this.forget();
      this.handlers.onGo(text, this.#reading);
    };
    this.#note.replaceChildren(
      `${ngettext("%(count)s entity matches now.", "%(count)s entities match now.", count)} `,
      element("button", { type: "button", text: gettext("Load them"), click }),
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
        document.createTextNode(`${gettext("Did you mean")} `),
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
