/**
 * Chart of a point's history today, which grows with its current value.
 *
 * @module
 */

import { gridOf, refOf } from "../live.js";
import { optionsOf } from "./chart_options.js";
import { uPlot } from "./uplot.js";
import { instantOf, numberText, textOf, withoutUnit } from "./values.js";

/** @import { Dict, Hayson, Live, Rec } from "../live.js" */

const MAX_SAMPLES = 20_000;
const FALLBACK_WIDTH = 320;

export class HistoryChart {
  /** @type {import("uplot") | null} */
  #plot = null;
  /** @type {[number[], (number | null)[]]} Seconds since 1970, and values. */
  #data = [[], []];
  /** @type {(string | boolean)[]} What the values stand for if they are indexes. */
  #words = [];
  /** @type {Rec | null} */
  #record = null;
  /** Seconds since 1970; `#end` is 0 until the first answer. */
  #start = 0;
  #end = 0;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;

  /**
   * @param {HTMLElement} frame
   * @param {HTMLElement} note
   * @param {Live["call"]} call
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

  /** @param {Rec} record */
  async show(record) {
    this.clear();
    this.#record = record;
    if ("kind" in record) await this.load();
  }

  clear() {
    this.#round++;
    this.#record = null;
    this.#end = 0;
    this.#destroy();
    this.note.textContent = "";
    this.frame.hidden = true;
  }

  /** Request today's samples, also again when some may have been missed. */
  async load() {
    const record = this.#record;
    if (!record) return;
    const round = ++this.#round;
    const request = gridOf([{ id: refOf(record.id.val), range: "today" }]);
    try {
      const { meta, rows } = await this.call("hisRead", request);
      if (round !== this.#round) return;
      this.#begin(instantOf(meta.hisStart) / 1000, instantOf(meta.hisEnd) / 1000, rows);
    } catch (error) {
      if (round !== this.#round) return;
      this.#begin(now(), Infinity, []);
      if ("his" in record) this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * Append the current value if it changed.
   *
   * @param {Rec} record
   */
  extend(record) {
    const before = this.#record;
    this.#record = record;
    if (!before || !this.#end || hasSameValue(before, record)) return;
    if (now() >= this.#end) {
      this.load(); // a new day has begun
      return;
    }
    this.#push(now(), record.curVal);
    this.#draw();
  }

  /**
   * Draw samples, followed by the current value.
   *
   * @param {number} start Seconds since 1970.
   * @param {number} end
   * @param {Dict[]} samples
   */
  #begin(start, end, samples) {
    this.#destroy();
    this.#data = [[], []];
    this.#words = this.#record?.kind === "Bool" ? [false, true] : [];
    this.#start = start;
    this.#end = end;
    for (const { ts, val } of samples) this.#push(instantOf(ts) / 1000, val);
    if (this.#record?.curVal != null && now() < end)
      this.#push(now(), this.#record.curVal);
    this.#draw();
  }

  /**
   * @param {number} at Seconds since 1970.
   * @param {Hayson | undefined} value
   */
  #push(at, value) {
    const [times, values] = this.#data;
    const last = times.at(-1);
    if (last !== undefined && at <= last) return;
    times.push(at);
    values.push(this.#numberOf(value));
    if (times.length > MAX_SAMPLES)
      this.#data = [times.slice(MAX_SAMPLES / 2), values.slice(MAX_SAMPLES / 2)];
  }

  /** @param {Hayson | undefined} value */
  #numberOf(value) {
    const plain = withoutUnit(value);
    if (typeof plain === "number") return plain;
    if (typeof plain !== "string" && typeof plain !== "boolean") return null;
    if (this.#record?.kind === "Number") return null; // "NaN" and the like
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
    else this.#plot = this.#makePlot();
    const numbers = values.filter((value) => value !== null);
    this.frame.setAttribute("aria-label", this.#summary(numbers));
  }

  /** @param {number[]} numbers */
  #summary(numbers) {
    const { length } = numbers;
    const samples = `Today's history: ${length} ${length === 1 ? "sample" : "samples"}`;
    if (this.#words.length || !length) return samples;
    const [min, max] = numbers.reduce(
      ([low, high], number) => [Math.min(low, number), Math.max(high, number)],
      [Infinity, -Infinity],
    );
    return `${samples} from ${this.#label(min)} to ${this.#label(max)}`;
  }

  /** @param {number | null | undefined} number */
  #label(number) {
    if (number == null) return "no value";
    if (this.#words.length) return textOf(this.#words[number]);
    const unit = this.#record?.unit;
    return numberText(number, unit == null ? "" : textOf(unit));
  }

  #makePlot() {
    const options = optionsOf({
      width: this.frame.clientWidth || FALLBACK_WIDTH,
      city: textOf(this.#record?.tz),
      isStepped: this.#words.length > 0,
      label: (number) => this.#label(number),
      range: () => [
        this.#start,
        Math.min(this.#end, Math.max(now(), this.#start + 60)),
      ],
      last: () => [this.#data[0].at(-1), this.#data[1].at(-1)],
    });
    return new uPlot(options, this.#data, this.frame);
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

/** @returns {number} Seconds since 1970. */
const now = () => Date.now() / 1000;

/**
 * @param {Rec} before
 * @param {Rec} after
 */
const hasSameValue = (before, after) =>
  JSON.stringify(before.curVal) === JSON.stringify(after.curVal);
