/**
 * A chart of tracks, which people zoom, move and read with pointer and keyboard.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { optionsOf } from "./chart_options.js";
import { followGestures } from "./gestures.js";
import { moved, scaled } from "./ranges.js";
import { columnsOf } from "./track.js";
import { uPlot } from "./uplot.js";

/** @import { default as UPlot, AlignedData } from "uplot" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

const FALLBACK_WIDTH = 320;

/** Shares of the span by which keys and buttons move it, and factors by which they zoom. */
export const STEP = 0.5;
export const ZOOM = 0.5;

export class Chart {
  /** @type {UPlot | null} */
  #plot = null;
  /** @type {Track[]} */
  #tracks = [];
  /** @type {Span} */
  #span = { start: 0, end: 1 };
  #zone = "UTC";
  #title = "";
  /** What the options of the plot depend on. */
  #shape = "";

  /**
   * @param {HTMLElement} frame
   * @param {object} handlers
   * @param {(span: Span) => void} handlers.onSpan The user wants to see another span.
   * @param {(seconds: number | null) => string} handlers.onCursor Returns what is read
   *   at a moment; null if nothing is pointed at.
   * @param {boolean} [fills] Whether it is as high as its frame.
   */
  constructor(frame, { onSpan, onCursor }, fills = false) {
    this.frame = frame;
    this.fills = fills;
    this.onSpan = onSpan;
    this.onCursor = onCursor;
    new ResizeObserver(() => this.#resize()).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
      this.#plot?.redraw(),
    );
    frame.addEventListener("keydown", (event) => this.#onKey(event));
    frame.addEventListener("blur", () => this.#setCursor(-10));
  }

  /** @returns {number} Pixels, which limit the number of samples worth reading. */
  get width() {
    return this.frame.clientWidth || FALLBACK_WIDTH;
  }

  /** @returns {HTMLCanvasElement | undefined} */
  get canvas() {
    return this.#plot?.ctx.canvas;
  }

  /**
   * @param {Track[]} tracks
   * @param {Span} span
   * @param {string} zone
   * @param {string} title
   */
  draw(tracks, span, zone, title) {
    this.#tracks = tracks;
    this.#span = span;
    this.#zone = zone;
    this.#title = title;
    this.frame.hidden = !tracks.length;
    this.#describe(title);
    const shape = JSON.stringify([
      zone,
      ...tracks.map(({ id, style, unit, line, rolled }) => [
        ...[id, style, unit, line],
        Boolean(rolled),
      ]),
    ]);
    if (shape !== this.#shape) this.clear();
    if (!tracks.length) return;
    this.#shape = shape;
    const tables = tracks.map((track) => /** @type {AlignedData} */ (columnsOf(track)));
    const data = uPlot.join(tables);
    if (this.#plot) this.#plot.setData(data);
    else this.#begin(data, zone);
  }

  /** @param {Span} span Show what is there of it, until its samples are drawn. */
  preview(span) {
    this.#span = span;
    this.#plot?.setScale("x", { min: span.start / 1000, max: span.end / 1000 });
  }

  clear() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#shape = "";
  }

  /**
   * @param {AlignedData} data
   * @param {string} zone
   */
  #begin(data, zone) {
    const options = optionsOf({
      width: this.width,
      room: this.#room,
      tracks: () => this.#tracks,
      zone,
      span: () => this.#span,
      onSelect: (span) => this.onSpan(span),
      onCursor: (plot) => this.#onCursor(plot),
      onDoubleClick: (at) => this.onSpan(scaled(this.#span, 1 / ZOOM, at)),
    });
    const plot = new uPlot(options, data, this.frame);
    this.#plot = plot;
    followGestures(plot.over, {
      span: () => this.#span,
      preview: (span) => this.preview(span),
      commit: (span) => this.onSpan(span),
    });
  }

  /** @param {string} title */
  #describe(title) {
    const shown = this.#tracks.filter(({ isGhost }) => !isGhost);
    const count = shown.reduce((sum, { times }) => sum + times.length, 0);
    const names = shown.map(({ name }) => name).join(", ");
    const text = ngettext(
      "%(title)s: %(count)s sample of %(names)s. Arrow keys read them, plus and minus zoom",
      "%(title)s: %(count)s samples of %(names)s. Arrow keys read them, plus and minus zoom",
      count,
    );
    const label = interpolate(text, { title, count: String(count), names });
    this.frame.setAttribute("aria-label", label);
    this.frame.setAttribute("aria-valuemin", secondOf(this.#span.start));
    this.frame.setAttribute("aria-valuemax", secondOf(this.#span.end));
    this.frame.setAttribute("aria-valuenow", secondOf(this.#span.end));
  }

  /** @param {UPlot} plot */
  #onCursor(plot) {
    const { left = -1 } = plot.cursor;
    const at = left < 0 ? null : plot.posToVal(left, "x");
    const text = this.onCursor(at) || gettext("no moment chosen");
    const instant = at === null ? this.#span.end : at * 1000;
    this.frame.setAttribute("aria-valuetext", text);
    this.frame.setAttribute("aria-valuenow", secondOf(instant));
  }

  /**
   * Arrow keys read the samples; with the shift key they move the span.
   *
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    const plot = this.#plot;
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.shiftKey) this.onSpan(moved(this.#span, step * STEP));
    else if (step) this.#stepCursor(plot, step);
    else if (event.key === "Home") this.#setCursor(0);
    else if (event.key === "End") this.#setCursor(plot.over.clientWidth);
    else if (event.key === "+") this.onSpan(scaled(this.#span, ZOOM));
    else if (event.key === "-") this.onSpan(scaled(this.#span, 1 / ZOOM));
    else return;
    event.preventDefault();
  }

  /**
   * @param {UPlot} plot
   * @param {number} step
   */
  #stepCursor(plot, step) {
    const times = plot.data[0];
    const { left = -1 } = plot.cursor;
    const from = left < 0 ? (step > 0 ? -1 : times.length) : plot.posToIdx(left);
    const at = times[Math.min(times.length - 1, Math.max(0, from + step))];
    if (at !== undefined) this.#setCursor(plot.valToPos(at, "x"));
  }

  /** @param {number} left Pixels; negative to show none. */
  #setCursor(left) {
    this.#plot?.setCursor({ left, top: left < 0 ? -10 : 1 });
  }

  get #room() {
    return this.fills ? this.frame.clientHeight : 0;
  }

  /** A new height changes the share of the bands, which the options have. */
  #resize() {
    const plot = this.#plot;
    const { clientWidth } = this.frame;
    if (!plot || !clientWidth) return;
    if (this.fills && this.#room !== plot.height) {
      this.clear();
      this.draw(this.#tracks, this.#span, this.#zone, this.#title);
    } else if (clientWidth !== plot.width)
      plot.setSize({ width: clientWidth, height: plot.height });
  }
}

/** @param {number} instant Milliseconds since 1970. */
const secondOf = (instant) => String(Math.round(instant / 1000));
