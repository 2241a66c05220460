/**
 * Code that is loaded when it is first needed.
 *
 * @module
 */

/** @import { Rec } from "../live.js" */

/** @template T What is made once the code is there. */
export class Later {
  /** @type {Promise<T> | null} */
  #made = null;

  /** @param {() => Promise<T>} load Called again with the next use if it rejects. */
  constructor(load) {
    this.load = load;
  }

  /** @param {(made: T) => void} act Called once the code is there. */
  use(act) {
    this.#made ??= this.load();
    this.ifUsed(act);
  }

  /** @param {(made: T) => void} act The same, but only if the code was needed. */
  ifUsed(act) {
    this.#made?.then(act, () => (this.#made = null));
  }
}

/**
 * What a part of the panel of one record does for it.
 *
 * @typedef {object} Part
 * @property {(record: Rec) => void} update The record of the panel, whenever it changes.
 * @property {() => void} clear
 */

/**
 * A part whose code is loaded when the first record is shown.
 *
 * @param {() => Promise<Part>} load
 * @returns {Part}
 */
export function laterPart(load) {
  const part = new Later(load);
  /** @type {Rec | null} */
  let shown = null;
  return {
    update: (record) => {
      shown = record;
      part.use((it) => {
        if (record === shown) it.update(record);
      });
    },
    clear: () => {
      shown = null;
      part.ifUsed((it) => it.clear());
    },
  };
}
