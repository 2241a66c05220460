/**
 * Watches that tiles share: those with equal filters have one.
 *
 * @module
 */

/** @import { Live, Rec, Watch } from "../live.js" */

/**
 * @typedef {object} Listener
 * @property {(records: Map<string, Rec>, changed: Rec[]) => void} onRecords
 * @property {(reason: string) => void} onEnd The filter is refused.
 */

/** @typedef {{watch: Watch, listeners: Set<Listener>, reason: string, isKnown: boolean}} Source */

export class Sources {
  /** @type {Map<string, Source>} By filter. */
  #sources = new Map();

  /** @param {Live} live */
  constructor(live) {
    this.live = live;
  }

  /**
   * @param {string} filter
   * @param {Listener} listener Called at once if the records are known.
   * @returns {() => void} Ends it.
   */
  follow(filter, listener) {
    const source = this.#sources.get(filter) ?? this.#start(filter);
    source.listeners.add(listener);
    if (source.reason) listener.onEnd(source.reason);
    else if (source.isKnown)
      listener.onRecords(source.watch.records, [...source.watch.records.values()]);
    return () => this.#leave(filter, source, listener);
  }

  /** @param {string} filter */
  #start(filter) {
    /** @type {Set<Listener>} */
    const listeners = new Set();
    const watch = this.live.watch(
      { filter, dis: "dashboard" },
      {
        onRecords: (changed) => {
          source.isKnown = true;
          for (const one of listeners) one.onRecords(watch.records, changed);
        },
        onEnd: (reason) => {
          source.reason = reason;
          for (const one of listeners) one.onEnd(reason);
        },
      },
    );
    /** @type {Source} */
    const source = { watch, listeners, reason: "", isKnown: false };
    this.#sources.set(filter, source);
    return source;
  }

  /**
   * @param {string} filter
   * @param {Source} source
   * @param {Listener} listener
   */
  #leave(filter, source, listener) {
    source.listeners.delete(listener);
    if (source.listeners.size || this.#sources.get(filter) !== source) return;
    this.#sources.delete(filter);
    source.watch.close();
  }
}
