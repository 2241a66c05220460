/**
 * The part of a long table that is on the screen. All rows have the same height.
 *
 * @module
 */

/** Rows above and below the screen that are made as well. */
const MARGIN = 12;
const FIRST_HEIGHT = 32;

export class Viewport {
  #height = FIRST_HEIGHT;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} space As high as all rows.
   * @param {HTMLTableElement} table With the rows that are made.
   * @param {() => void} onMove Other rows are on the screen.
   */
  constructor(scroller, space, table, onMove) {
    this.scroller = scroller;
    this.space = space;
    this.table = table;
    scroller.addEventListener("scroll", onMove, { passive: true });
    new ResizeObserver(onMove).observe(scroller);
  }

  /** @returns {number} Rows that fit on the screen. */
  get page() {
    const room = this.scroller.clientHeight - this.#head;
    return Math.max(1, Math.floor(room / this.#height));
  }

  /**
   * @param {number} count Of all rows.
   * @returns {{first: number, last: number}} The rows to make, without `last`.
   */
  range(count) {
    const top = Math.floor(this.scroller.scrollTop / this.#height);
    const first = Math.max(0, Math.min(top, count - this.page) - MARGIN);
    return { first, last: Math.min(count, first + this.page + 2 * MARGIN + 1) };
  }

  /**
   * Put the rows that were made where they belong.
   *
   * @param {number} first
   * @param {number} count Of all rows.
   * @returns {boolean} Whether the rows have another height than was known.
   */
  place(first, count) {
    const row = this.table.tBodies[0]?.rows[0];
    const height = row?.getBoundingClientRect().height || this.#height;
    const isOther = Math.abs(height - this.#height) > 0.01;
    this.#height = height;
    this.space.style.height = `${this.#head + count * height}px`;
    this.table.style.marginTop = `${first * height}px`;
    return isOther;
  }

  /** @param {number} index Of a row that is to be on the screen. */
  reveal(index) {
    const { scroller } = this;
    const top = index * this.#height;
    const room = scroller.clientHeight - this.#head;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + this.#height > scroller.scrollTop + room)
      scroller.scrollTop = top + this.#height - room;
  }

  get #head() {
    return this.table.tHead?.offsetHeight ?? 0;
  }
}
