/**
 * The records that match: few are watched all together; many are loaded in pages, and
 * those on the screen are watched.
 *
 * @module
 */

import { gridOf } from "../live.js";
import { fieldsOf } from "./columns.js";
import { readEntities } from "../shared/rest.js";

/** @import { Live, Rec, Subject, Watch } from "../live.js" */

/** Records of the first page, which is there soon, and of the others. */
const FIRST_PAGE = 200;
const PAGE = 1_000;
/** More matches than this are loaded in pages: their values in one message are slow. */
const WATCHED_AT_ONCE = 2_000;
/** Beyond these, pages are loaded as the user scrolls. */
const LOADED_AT_ONCE = 50_000;
const SETTLED = 150;
const RETRY = 5_000;
/** Milliseconds after which many matches are counted again. */
const COUNTING = 60_000;

/** @typedef {{filter: string} | {search: string}} Asked */
/** @typedef {{results: Rec[], next: string | null}} Page */

/**
 * @typedef {object} Handlers
 * @property {() => void} onStart Other records replace those that are shown.
 * @property {(records: Rec[], gone: string[]) => void} onRecords
 * @property {(reason: string) => void} onProblem
 * @property {(count: number) => void} onCount So many match now, which were others.
 */

export class Matches {
  /** @type {Asked | null} */
  #asked = null;
  #columns = "";
  /** @type {Set<string>} Of the records that are shown. */
  #ids = new Set();
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  /** @type {string | null} Of the next page. */
  #cursor = null;
  #isLoading = false;
  /** Whether the records on the screen are watched, not all that match. */
  isPaged = false;
  /** @type {Watch | null} */
  #watch = null;
  /** @type {Watch | null} Of other records on the screen, before its first answer. */
  #next = null;
  /** @type {string[]} */
  #onScreen = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Records that match; NaN if that is not known. */
  total = NaN;

  /**
   * @param {Live} live
   * @param {string | undefined} project
   * @param {Handlers} handlers
   */
  constructor(live, project, handlers) {
    this.live = live;
    this.project = project;
    this.handlers = handlers;
    setInterval(() => this.#countAgain(), COUNTING);
  }

  /** @returns {number} Records that are shown. */
  get size() {
    return this.#ids.size;
  }

  /** @returns {boolean} Whether more match than have been loaded. */
  get hasMore() {
    return this.#cursor !== null;
  }

  /**
   * A whole record.
   *
   * @param {string} id
   */
  record(id) {
    return this.#watch?.records.get(id);
  }

  /**
   * Read the first page of what is asked for. Rejects with a RequestError.
   *
   * @param {Asked} asked
   * @param {string[]} columns
   * @returns {Promise<Page>}
   */
  read(asked, columns) {
    return this.#read(asked, fieldsOf(columns), FIRST_PAGE);
  }

  /**
   * Show the records of a first page, and go on with those that follow.
   *
   * @param {Asked} asked
   * @param {Page} first
   * @param {string[]} columns
   */
  async show(asked, first, columns) {
    this.#begin(asked, columns);
    const round = this.#round;
    this.#add(first);
    if ("search" in asked) {
      this.isPaged = true;
      this.#load();
      return;
    }
    if (first.next) this.total = await this.#count(asked.filter);
    if (round !== this.#round) return;
    if (!first.next || this.total <= WATCHED_AT_ONCE) this.#watchAll(asked.filter);
    else this.#beginPages();
  }

  /**
   * Watch what matches a filter without reading a page first.
   *
   * @param {string} filter
   * @param {string[]} columns
   */
  showWatched(filter, columns) {
    this.#begin({ filter }, columns);
    this.#watchAll(filter);
  }

  /**
   * Read what the columns show and was not read.
   *
   * @param {string[]} columns
   * @returns {boolean} Whether the records must be loaded again.
   */
  lacks(columns) {
    if (!this.isPaged) return false;
    const held = new Set(this.#columns.split(","));
    return columns.some((tag) => !held.has(tag));
  }

  /**
   * These records are on the screen.
   *
   * @param {string[]} ids
   * @param {boolean} isEnd Whether they are the last ones that have been loaded.
   */
  look(ids, isEnd) {
    if (!this.isPaged) return;
    this.#onScreen = ids;
    if (isEnd) this.#load(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#watchScreen(), SETTLED);
  }

  // -- all together -----------------------------------------------------------------

  /**
   * @param {Asked} asked
   * @param {string[]} columns
   */
  #begin(asked, columns) {
    this.#round++;
    this.#next?.close();
    this.#watch?.close();
    this.#next = this.#watch = null;
    this.#asked = asked;
    this.#columns = fieldsOf(columns);
    this.#ids = new Set();
    this.#cursor = null;
    this.#isLoading = this.isPaged = false;
    this.total = NaN;
    clearTimeout(this.#timer);
    this.handlers.onStart();
  }

  /** @param {string} filter */
  #watchAll(filter) {
    const started = this.live.watch(
      { filter, dis: "explorer" },
      {
        onRecords: (records, gone) => {
          const others = started.records;
          const left = [...this.#ids].filter((id) => !others.has(id));
          this.#ids = new Set(others.keys());
          this.#cursor = null;
          this.total = others.size;
          this.handlers.onRecords(records, left.length ? [...gone, ...left] : gone);
        },
        onEnd: (reason) => this.#onRefused(started, reason),
      },
    );
    this.#watch = started;
  }

  /**
   * @param {Watch} refused
   * @param {string} reason
   */
  #onRefused(refused, reason) {
    if (refused !== this.#watch) return;
    this.#watch = null;
    // it may have more records than a watch may have
    if (this.#ids.size && this.live.isOpen) this.#beginPages();
    else this.handlers.onProblem(reason);
  }

  // -- in pages ---------------------------------------------------------------------

  #beginPages() {
    this.isPaged = true;
    this.#load();
  }

  /** @param {boolean} [isWanted] Whether the user has scrolled to the end. */
  async #load(isWanted = false) {
    if (this.#isLoading || !this.#asked) return;
    const round = this.#round;
    this.#isLoading = true;
    let isNeeded = isWanted;
    while (this.#cursor && (isNeeded || this.#ids.size < LOADED_AT_ONCE)) {
      isNeeded = false;
      const page = await this.#nextPage(this.#asked, this.#cursor);
      if (round !== this.#round) return;
      if (page) this.#add(page);
    }
    this.#isLoading = false;
  }

  /**
   * @param {Asked} asked
   * @param {string} cursor
   */
  async #nextPage(asked, cursor) {
    try {
      return await this.#read(asked, this.#columns, PAGE, cursor);
    } catch (error) {
      this.handlers.onProblem(/** @type {Error} */ (error).message);
      await new Promise((resolve) => setTimeout(resolve, RETRY));
      return null;
    }
  }

  /** @param {Page} page */
  #add({ results, next }) {
    this.#cursor = next;
    for (const { id } of results) this.#ids.add(id.val);
    if (!next) this.total = this.#ids.size;
    this.handlers.onRecords(results, []);
  }

  /**
   * @param {Asked} asked
   * @param {string} fields
   * @param {number} limit
   * @param {string} [cursor]
   */
  #read(asked, fields, limit, cursor) {
    const query = new URLSearchParams({ ...asked, fields, limit: String(limit) });
    if (cursor) query.set("cursor", cursor);
    return readEntities(this.project, query);
  }

  #watchScreen() {
    const watched = this.#next ?? this.#watch;
    if (this.#onScreen.every((id) => watched?.records.has(id)) && watched) return;
    this.#next?.close();
    /** @type {Subject} */
    const subject = { ids: this.#onScreen, dis: "explorer" };
    const started = this.live.watch(subject, {
      onRecords: (records, gone) => {
        if (started === this.#next) {
          this.#watch?.close();
          this.#watch = started;
          this.#next = null;
        }
        for (const id of gone) this.#ids.delete(id);
        this.handlers.onRecords(records, gone);
      },
      onEnd: (reason) => this.handlers.onProblem(reason),
    });
    this.#next = started;
  }

  // -- counting ---------------------------------------------------------------------

  /** @param {string} filter */
  async #count(filter) {
    const request = gridOf([{ filter, count: true }]);
    const { rows } = await this.live.call("read", request).catch(() => ({ rows: [] }));
    return Number(rows[0]?.count ?? NaN);
  }

  async #countAgain() {
    if (!this.isPaged || !this.#asked || !("filter" in this.#asked)) return;
    if (document.hidden || this.hasMore) return;
    const round = this.#round;
    const count = await this.#count(this.#asked.filter);
    if (round === this.#round && count >= 0 && count !== this.total)
      this.handlers.onCount(count);
  }
}
