/**
 * The history of today of one point, going on as its value changes. Drawn by uPlot.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { optionsOf } from "./chart_options.js";
import { instantOf, numberText, textOf } from "./values.js";

const MOST = 20_000;

export class HistoryChart {
  /** @type {any} */
  #plot = null;
  /** @type {[number[], (number | null)[]]} Seconds since 1970, and values. */
  #data = [[], []];
  /** @type {any[]} Texts or truth values that the numbers stand for. */
  #words = [];
  /** @type {Record<string, any> | null} */
  #record = null;
  #start = 0;
  #end = 0;
  /** Answers to requests before this one come too late. */
  #round = 0;

  /**
   * @param {HTMLElement} frame
   * @param {HTMLElement} note
   * @param {(op: string, grid: any) => Promise<any>} call
   */
  constructor(frame, note, call) {
    this.frame = frame;
    this.note = note;
    this.call = call;
    new ResizeObserver(() => this.#resize()).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
      this.#plot?.redraw(),
    );
  }

  /** @param {Record<string, any>} record */
  async show(record) {
    this.clear();
    this.#record = record;
    if (!("kind" in record)) return;
    await this.load();
  }

  clear() {
    this.#round++;
    this.#record = null;
    this.#end = 0;
    this.#destroy();
    this.note.textContent = "";
    this.frame.hidden = true;
  }

  /** Ask for today's samples, again where something may have been missed. */
  async load() {
    if (!this.#record) return;
    const round = ++this.#round;
    const request = gridOf([{ id: refOf(this.#record.id.val), range: "today" }]);
    try {
      const answer = await this.call("hisRead", request);
      if (round !== this.#round) return;
      const { hisStart, hisEnd } = answer.meta;
      this.#begin(instantOf(hisStart) / 1000, instantOf(hisEnd) / 1000, answer.rows);
    } catch (error) {
      if (round !== this.#round) return;
      this.#begin(now(), Infinity, []);
      if ("his" in this.#record) this.note.textContent = error.message;
    }
  }

  /** The point has another value now.
   * @param {Record<string, any>} record */
  extend(record) {
    const before = this.#record;
    this.#record = record;
    if (!before || !this.#end || same(before, record)) return;
    if (now() >= this.#end) {
      this.load(); // another day has begun
      return;
    }
    this.#push(now(), record.curVal);
    this.#draw();
  }

  /**
   * Samples, and behind them what is true now.
   *
   * @param {number} start Seconds since 1970.
   * @param {number} end
   * @param {any[]} rows
   */
  #begin(start, end, rows) {
    this.#destroy();
    this.#data = [[], []];
    this.#words = this.#record?.kind === "Bool" ? [false, true] : [];
    this.#start = start;
    this.#end = end;
    for (const { ts, val } of rows) this.#push(instantOf(ts) / 1000, val);
    if (this.#record?.curVal != null && now() < end)
      this.#push(now(), this.#record.curVal);
    this.#draw();
  }

  /**
   * @param {number} at
   * @param {any} value
   */
  #push(at, value) {
    const [times, values] = this.#data;
    if (times.length && at <= times[times.length - 1]) return;
    times.push(at);
    values.push(this.#numberOf(value));
    if (times.length > MOST)
      this.#data = [times.slice(MOST / 2), values.slice(MOST / 2)];
  }

  /** @param {any} value */
  #numberOf(value) {
    const plain = value?._kind === "number" ? value.val : value;
    if (typeof plain === "number") return plain;
    if (typeof plain !== "string" && typeof plain !== "boolean") return null;
    if (this.#record?.kind === "Number") return null; // NaN and the like
    if (!this.#words.includes(plain)) this.#words.push(plain);
    return this.#words.indexOf(plain);
  }

  #draw() {
    const [times, values] = this.#data;
    const isShown = times.length > 0;
    this.frame.hidden = !isShown;
    this.note.textContent = isShown ? "" : "No samples today.";
    if (!isShown) return;
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#plot = this.#made();
    const numbers = /** @type {number[]} */ (values.filter((one) => one != null));
    this.frame.setAttribute("aria-label", this.#summary(numbers));
  }

  /** @param {number[]} numbers */
  #summary(numbers) {
    const samples = `History of today, ${numbers.length} samples`;
    if (this.#words.length || !numbers.length) return samples;
    const [least, most] = numbers.reduce(
      ([low, high], one) => [Math.min(low, one), Math.max(high, one)],
      [Infinity, -Infinity],
    );
    return `${samples} from ${this.#label(least)} to ${this.#label(most)}`;
  }

  /** @param {number | null} number */
  #label(number) {
    if (number == null) return "no value";
    if (this.#words.length) return textOf(this.#words[number]);
    return numberText(number, this.#record?.unit);
  }

  #made() {
    const options = optionsOf({
      width: this.frame.clientWidth || 320,
      city: this.#record?.tz,
      isStepped: this.#words.length > 0,
      label: (number) => this.#label(number),
      range: () => [
        this.#start,
        Math.min(this.#end, Math.max(now(), this.#start + 60)),
      ],
      last: () => this.#data.map((column) => column[column.length - 1]),
    });
    return new globalThis.uPlot(options, this.#data, this.frame);
  }

  #resize() {
    if (this.#plot && this.frame.clientWidth) {
      this.#plot.setSize({
        width: this.frame.clientWidth,
        height: this.#plot.height,
      });
    }
  }

  #destroy() {
    this.#plot?.destroy();
    this.#plot = null;
  }
}

/** Seconds since 1970. */
const now = () => Date.now() / 1000;

/**
 * @param {Record<string, any>} one
 * @param {Record<string, any>} other
 */
const same = (one, other) =>
  JSON.stringify(one.curVal) === JSON.stringify(other.curVal);
