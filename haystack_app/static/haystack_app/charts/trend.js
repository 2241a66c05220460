/**
 * The histories of points on a chart: read, drawn, kept current, explained.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";
import { holdOf } from "../shared/freshness.js";
import { instantOf, nameOf, textOf } from "../shared/values.js";
import { browserZone, zoneOf } from "../shared/zones.js";
import { Chart } from "./chart.js";
import { comparedSpan, ghostOf } from "./comparison.js";
import { noteOf } from "./history_note.js";
import { isCurrent, spanOf } from "./ranges.js";
import { addCurrent, completed, readTrack } from "./samples.js";
import { isDrawn } from "./track.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Comparison } from "./comparison.js" */
/** @import { Legend } from "./legend.js" */
/** @import { ZoneChoice } from "./range_bar.js" */
/** @import { Span } from "./ranges.js" */
/** @import { SampleTable } from "./sample_table.js" */
/** @import { Track } from "./track.js" */

const MINUTE = 60_000;
/** Milliseconds between two requests for new samples. */
const PAUSE = 3000;
/** New values of a point after which its samples are read anew, as fewer. */
const MOST_SAMPLES = 20_000;
/** Points that are read at one time, so that other requests get their turn. */
const AT_ONCE = 6;

/** @typedef {{range: string, zone: ZoneChoice, comparison: Comparison}} Shown */

/**
 * @typedef {object} Parts
 * @property {HTMLElement} frame Of the chart.
 * @property {HTMLElement} note
 * @property {Legend} legend
 * @property {SampleTable} table
 */

export class Trend {
  /** @type {Map<string, Rec>} By id, in the order of the chart. */
  #records = new Map();
  /** @type {Track[]} */
  #tracks = [];
  /** @type {string[]} Why points cannot be drawn. */
  #problems = [];
  /** @type {Shown} */
  #shown = { range: "", zone: "point", comparison: "" };
  /** What the chart is called, for files and readers of screens. */
  title = "";
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  #isLoading = false;
  #isOutdated = false;
  #timer = 0;
  #frameId = 0;

  /**
   * @param {Live["call"]} call
   * @param {Parts} parts
   * @param {object} handlers
   * @param {(span: Span) => void} handlers.onSpan The user wants to see another span.
   * @param {(range: string) => void} handlers.onRange
   * @param {(isEmpty: boolean) => void} handlers.onDrawn
   * @param {boolean} [fills] Whether the chart is as high as its frame.
   */
  constructor(call, parts, { onSpan, onRange, onDrawn }, fills = false) {
    this.call = call;
    this.parts = parts;
    this.onRange = onRange;
    this.onDrawn = onDrawn;
    const onCursor = (/** @type {number | null} */ at) => parts.legend.read(at);
    this.chart = new Chart(parts.frame, { onSpan, onCursor }, fills);
  }

  /** @returns {Track[]} */
  get drawn() {
    const { start, end } = this.span();
    return this.#tracks.filter((track) => isDrawn(track, start / 1000, end / 1000));
  }

  /** @returns {Rec[]} */
  get points() {
    return [...this.#records.values()];
  }

  /** @param {Rec[]} points Whether these are the points of the chart. */
  has(points) {
    return points.map(({ id }) => id.val).join() === this.#ids();
  }

  /** @param {Shown} shown Whether the chart shows that already. */
  isShown(shown) {
    return JSON.stringify(shown) === JSON.stringify(this.#shown);
  }

  /**
   * @param {Rec[]} points
   * @param {Shown} shown
   */
  show(points, shown) {
    const isSame = this.has(points);
    const isAsBefore = this.isShown(shown);
    this.#records = new Map(points.map((record) => [record.id.val, record]));
    if (isSame && isAsBefore) return;
    if (!isSame) {
      this.#tracks = [];
      this.chart.clear();
    }
    this.#shown = { ...shown };
    this.#problems = [];
    if (!points.length) return;
    if (isSame) this.chart.preview(this.span());
    this.load();
  }

  clear() {
    this.#round++;
    this.#records.clear();
    this.#tracks = [];
    this.#shown.range = "";
    cancelAnimationFrame(this.#frameId);
    this.chart.clear();
  }

  /**
   * Append a new current value.
   *
   * @param {Rec} record
   */
  update(record) {
    const before = this.#records.get(record.id.val);
    if (!before || before === record) return;
    this.#records.set(record.id.val, record);
    const track = this.#tracks.find(({ id }) => id === record.id.val);
    if (!track || this.span().end < Date.now() - MINUTE) return;
    if (JSON.stringify(before.hisEnd) !== JSON.stringify(record.hisEnd))
      this.#loadSoon();
    if (JSON.stringify(before.curVal) === JSON.stringify(record.curVal)) return;
    if (!isCurrent(this.#shown.range)) return;
    addCurrent(track, record, Date.now());
    if (track.times.length > MOST_SAMPLES) this.#loadSoon();
    cancelAnimationFrame(this.#frameId); // several points are drawn together
    this.#frameId = requestAnimationFrame(() => this.#draw());
  }

  /** Request the samples, also again when some may have been missed. */
  async load() {
    if (!this.#records.size) return;
    if (this.#isLoading) {
      this.#isOutdated = true;
      return;
    }
    this.#isLoading = true;
    this.parts.frame.setAttribute("aria-busy", "true");
    try {
      await this.#read(++this.#round);
    } finally {
      this.#isLoading = false;
      this.parts.frame.removeAttribute("aria-busy");
      if (this.#isOutdated) {
        this.#isOutdated = false;
        this.load();
      }
    }
  }

  /** @returns {Span} What is shown: of a period that goes on, what has been of it. */
  span() {
    const now = Date.now();
    const { range } = this.#shown;
    const { start, end } = spanOf(range, this.zone(), now);
    if (!isCurrent(range)) return { start, end };
    const ends = [...this.#records.values()].map(
      (record) => instantOf(record.hisEnd) || 0,
    );
    const known = Math.max(now, start + MINUTE, ...ends);
    return { start, end: Math.min(end, known) };
  }

  /** @returns {string} What the points' tag `tz` says. */
  city() {
    const tz = [...this.#records.values()].find((record) => record.tz != null)?.tz;
    return textOf(tz);
  }

  ownZone() {
    return zoneOf(this.city()) || browserZone();
  }

  zone() {
    return this.#shown.zone === "browser" ? browserZone() : this.ownZone();
  }

  #ids() {
    return [...this.#records.keys()].join();
  }

  /** @param {number} round */
  async #read(round) {
    const records = [...this.#records.values()];
    const span = this.span();
    const asked = JSON.stringify(this.#shown);
    const isLate = () => round !== this.#round || asked !== JSON.stringify(this.#shown);
    const spans = this.#spans(span);
    /** @type {Track[]} */
    const found = [];
    /** @type {string[]} */
    const problems = [];
    for (let at = 0; at < records.length; at += AT_ONCE) {
      const some = records.slice(at, at + AT_ONCE);
      const answers = await Promise.allSettled(
        some.map((record, index) => this.#readPoint(record, at + index, spans)),
      );
      if (isLate()) return;
      for (const [index, answer] of answers.entries()) {
        const record = some[index];
        if (answer.status === "fulfilled") found.push(...answer.value);
        else if (record && "his" in record)
          problems.push(`${nameOf(record)}: ${answer.reason.message}`);
      }
    }
    if (isCurrent(this.#shown.range))
      for (const track of found) {
        const record = this.#records.get(track.id);
        if (record) addCurrent(track, record, Date.now());
      }
    this.#tracks = found;
    this.#problems = problems;
    this.#draw();
  }

  /**
   * @param {Span} span
   * @returns {Span[]} With the one that is compared.
   */
  #spans(span) {
    const { range, comparison } = this.#shown;
    return comparison
      ? [span, comparedSpan(range, span, comparison, this.zone())]
      : [span];
  }

  /**
   * @param {Rec} record
   * @param {number} line
   * @param {Span[]} spans
   * @returns {Promise<Track[]>}
   */
  async #readPoint(record, line, [span, compared]) {
    const track = { ...(await this.#readSpan(record, span)), line };
    if (!compared || !span || track.style === "band") return [track];
    const before = { ...(await this.#readSpan(record, compared)), line };
    this.#hold(before, compared, record);
    const seconds = (span.start - compared.start) / 1000;
    return [track, ghostOf(before, seconds, this.#shown.comparison)];
  }

  /**
   * @param {Rec} record
   * @param {Span} [span]
   */
  async #readSpan(record, span = this.span()) {
    const { width } = this.chart;
    const margin = this.#marginOf(record.id.val, span);
    const track = await readTrack(this.call, record, span, { width, margin });
    return completed(this.call, record, span, track, width).catch(() => track);
  }

  #draw() {
    const span = this.span();
    for (const track of this.#tracks) {
      const record = this.#records.get(track.id);
      if (record) this.#hold(track, span, record);
    }
    const { drawn } = this;
    const zone = this.zone();
    this.chart.draw(drawn, span, zone, this.title);
    this.parts.legend.draw(drawn, span, zone);
    this.parts.table.draw(drawn, span, zone);
    this.onDrawn(!drawn.length);
    this.#explain(drawn.filter(({ isGhost }) => !isGhost));
  }

  /**
   * The last value holds to the end if there is a later sample, otherwise for a while.
   *
   * @param {Track} track
   * @param {Span} span
   * @param {Rec} record
   */
  #hold(track, span, record) {
    const last = (track.times.at(-1) ?? NaN) * 1000;
    if (track.style === "line") return;
    const hasLater = instantOf(record.hisEnd) > last;
    const until = hasLater ? span.end : last + holdOf(record);
    track.heldUntil = Math.min(span.end, until, Date.now()) / 1000;
  }

  /** @param {Track[]} drawn */
  #explain(drawn) {
    const { note: place } = this.parts;
    const note = noteOf([...this.#records.values()], drawn, {
      range: this.#shown.range,
      span: this.span(),
      zone: this.zone(),
    });
    const text = [...this.#problems, note.text].filter(Boolean).join(" ");
    const { range } = note;
    if (place.dataset.said === text + range) return;
    place.dataset.said = text + range; // a status is read aloud when it changes
    place.replaceChildren(text);
    if (!range) return;
    const click = () => this.onRange(range);
    place.append(
      " ",
      element("button", { type: "button", text: gettext("Show it"), click }),
    );
  }

  #loadSoon() {
    if (this.#timer) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.load();
    }, PAUSE);
  }

  /**
   * @param {string} id
   * @param {Span} span
   * @returns {number} Milliseconds, about the interval of the point.
   */
  #marginOf(id, { start, end }) {
    const gap = this.#tracks.find((track) => track.id === id)?.gap ?? Infinity;
    return Number.isFinite(gap) ? Math.min(gap * 500, 4 * (end - start)) : 0;
  }
}
