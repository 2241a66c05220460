/**
 * The history of one point or of several: range, chart, legend, files.
 *
 * @module
 */

import { Chart, STEP, ZOOM } from "./chart.js";
import { byId, element } from "./elements.js";
import { saveCsv, savePng } from "./exports.js";
import { holdOf } from "./freshness.js";
import { noteOf } from "./history_note.js";
import { Legend } from "./legend.js";
import { RangeBar } from "./range_bar.js";
import { isCurrent, moved, rangeOf, scaled, spanOf } from "./ranges.js";
import { addCurrent, readAverage, readTrack } from "./samples.js";
import { isDrawn } from "./track.js";
import { instantOf, nameOf, textOf } from "./values.js";
import { browserZone, zoneOf } from "./zones.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { View } from "./address.js" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const MINUTE = 60_000;
/** Milliseconds between two requests for new samples. */
const PAUSE = 3000;
/** New values of a point after which its samples are read anew, as fewer. */
const MOST_SAMPLES = 20_000;

export class History {
  /** @type {Map<string, Rec>} By id, in the order of the chart. */
  #records = new Map();
  /** @type {Track[]} */
  #tracks = [];
  /** @type {string[]} Why points cannot be drawn. */
  #problems = [];
  #range = "";
  /** @type {View["zone"]} */
  #choice = "point";
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  #isLoading = false;
  #isOutdated = false;
  #timer = 0;
  #frameId = 0;

  #section = byId("history", HTMLElement);
  #frame = byId("chart", HTMLElement);
  #note = byId("chart-note", HTMLElement);

  /**
   * @param {Live["call"]} call
   * @param {object} handlers
   * @param {(range: string) => void} handlers.onRange
   * @param {(zone: View["zone"]) => void} handlers.onZone
   * @param {(id: string) => void} handlers.onRemove
   */
  constructor(call, { onRange, onZone, onRemove }) {
    this.call = call;
    this.onRange = onRange;
    this.bar = new RangeBar({
      onRange,
      onZone,
      onMove: (direction) => onRange(rangeOf(moved(this.#span(), direction * STEP))),
      onZoom: (direction) =>
        onRange(rangeOf(scaled(this.#span(), direction > 0 ? ZOOM : 1 / ZOOM))),
    });
    this.legend = new Legend(onRemove);
    this.chart = new Chart(this.#frame, {
      onSpan: (span) => onRange(rangeOf(span)),
      onCursor: (seconds) => this.legend.point(seconds),
    });
    byId("csv", HTMLElement).addEventListener("click", () =>
      saveCsv(this.#tracks, this.#span(), this.#zone()),
    );
    byId("png", HTMLElement).addEventListener("click", () => {
      const { canvas } = this.chart;
      if (canvas) savePng(canvas, this.#tracks, this.bar.title());
    });
  }

  /**
   * @param {Rec[]} records Those without a kind have no history and are left out.
   * @param {Pick<View, "range" | "zone">} view
   */
  show(records, { range, zone }) {
    const points = records.filter((record) => "kind" in record);
    const isSame =
      points.map(({ id }) => id.val).join() === [...this.#records.keys()].join();
    this.#records = new Map(points.map((record) => [record.id.val, record]));
    this.#section.hidden = !points.length;
    if (isSame && range === this.#range && zone === this.#choice) return;
    if (!isSame) {
      this.#tracks = [];
      this.chart.clear();
    }
    this.#range = range;
    this.#choice = zone;
    this.#problems = [];
    if (!points.length) return;
    const own = this.#ownZone();
    this.bar.show(range, zone, { own, city: this.#city(), span: this.#span() });
    if (isSame) this.chart.preview(this.#span());
    this.load();
  }

  clear() {
    this.#round++;
    this.#records.clear();
    this.#tracks = [];
    this.#range = "";
    cancelAnimationFrame(this.#frameId);
    this.chart.clear();
    this.#section.hidden = true;
  }

  /**
   * Append a new current value.
   *
   * @param {Rec} record
   */
  update(record) {
    const before = this.#records.get(record.id.val);
    if (!before) return;
    this.#records.set(record.id.val, record);
    const track = this.#tracks.find(({ id }) => id === record.id.val);
    if (!track || this.#span().end < Date.now() - MINUTE) return;
    if (JSON.stringify(before.hisEnd) !== JSON.stringify(record.hisEnd))
      this.#loadSoon();
    if (JSON.stringify(before.curVal) === JSON.stringify(record.curVal)) return;
    if (!isCurrent(this.#range)) return;
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
    const round = ++this.#round;
    this.#frame.setAttribute("aria-busy", "true");
    try {
      await this.#read(round);
    } finally {
      this.#isLoading = false;
      this.#frame.removeAttribute("aria-busy");
      if (this.#isOutdated) {
        this.#isOutdated = false;
        this.load();
      }
    }
  }

  /** @param {number} round */
  async #read(round) {
    const records = [...this.#records.values()];
    const [range, span] = [this.#range, this.#span()];
    const { width } = this.chart;
    const answers = await Promise.allSettled(
      records.map((record) => {
        const margin = this.#marginOf(record.id.val, span);
        return readTrack(this.call, record, span, { width, margin });
      }),
    );
    const isLate = () => round !== this.#round || range !== this.#range;
    if (isLate()) return;
    this.#tracks = [];
    this.#problems = [];
    for (const [index, answer] of answers.entries()) {
      const record = records[index];
      if (!record) continue;
      if (answer.status === "fulfilled") this.#take(answer.value, record);
      else if ("his" in record)
        this.#problems.push(`${nameOf(record)}: ${answer.reason.message}`);
    }
    this.#draw();
    for (const track of this.#tracks) {
      const record = this.#records.get(track.id);
      if (!record) continue;
      track.all = await readAverage(this.call, record, span, track).catch(() => null);
      if (isLate()) return;
    }
    this.#draw();
  }

  /**
   * @param {Track} track
   * @param {Rec} record
   */
  #take(track, record) {
    if (isCurrent(this.#range)) addCurrent(track, record, Date.now());
    this.#tracks.push(track);
  }

  #draw() {
    const span = this.#span();
    for (const track of this.#tracks) this.#hold(track, span);
    const [start, end] = [span.start / 1000, span.end / 1000];
    const drawn = this.#tracks.filter((track) => isDrawn(track, start, end));
    const zone = this.#zone();
    this.chart.draw(drawn, span, zone, this.bar.title());
    this.legend.draw(drawn, span, zone);
    this.#section.dataset.empty = String(!drawn.length);
    this.#explain(drawn);
  }

  /**
   * The last value holds to the end if there is a later sample, otherwise for a while.
   *
   * @param {Track} track
   * @param {Span} span
   */
  #hold(track, span) {
    const record = this.#records.get(track.id);
    const last = (track.times.at(-1) ?? NaN) * 1000;
    if (track.style === "line" || !record) return;
    const hasLater = instantOf(record.hisEnd) > last;
    const until = hasLater ? span.end : last + holdOf(record);
    track.heldUntil = Math.min(span.end, until, Date.now()) / 1000;
  }

  /** @param {Track[]} drawn */
  #explain(drawn) {
    const records = [...this.#records.values()];
    const note = noteOf(records, drawn, {
      range: this.#range,
      span: this.#span(),
      zone: this.#zone(),
    });
    const text = [...this.#problems, note.text].filter(Boolean).join(" ");
    const { range } = note;
    if (this.#note.dataset.said === text + range) return;
    this.#note.dataset.said = text + range;
    this.#note.textContent = text;
    const click = () => this.onRange(range);
    if (range)
      this.#note.append(
        " ",
        element("button", { type: "button", text: "Show it", click }),
      );
  }

  #loadSoon() {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.load();
    }, PAUSE);
  }

  /** @returns {Span} What is shown: of a period that goes on, what has been of it. */
  #span() {
    const now = Date.now();
    const { start, end } = spanOf(this.#range, this.#zone(), now);
    if (!isCurrent(this.#range)) return { start, end };
    const ends = [...this.#records.values()].map(
      (record) => instantOf(record.hisEnd) || 0,
    );
    const known = Math.max(now, start + MINUTE, ...ends);
    return { start, end: Math.min(end, known) };
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

  #city() {
    const tz = [...this.#records.values()].find((record) => record.tz != null)?.tz;
    return textOf(tz);
  }

  #ownZone() {
    return zoneOf(this.#city()) || browserZone();
  }

  #zone() {
    return this.#choice === "browser" ? browserZone() : this.#ownZone();
  }
}
