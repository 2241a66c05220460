/**
 * Moving and zooming a chart: by the wheel, by a finger or two, with the mouse.
 *
 * @module
 */

import { moved, scaled } from "./ranges.js";

/** @import { Span } from "./ranges.js" */

const WHEEL_FACTOR = 1.002;
/** Milliseconds without a turn of the wheel after which the span is final. */
const WHEEL_PAUSE = 250;
/** Pixels that a pointer moves before it is a gesture and no tap. */
const SLACK = 6;

/**
 * @typedef {object} Surface
 * @property {() => Span} span What is shown now.
 * @property {(span: Span) => void} preview Show another span for now.
 * @property {(span: Span) => void} commit The gesture has ended with this span.
 */

/**
 * Fingers move and pinch; the mouse moves with the shift key, because without it a
 * drag selects what to zoom to. The wheel zooms with the control key, as does a pinch
 * on a touchpad; without it the page scrolls.
 *
 * @param {HTMLElement} area The plotting area.
 * @param {Surface} surface
 */
export function followGestures(area, { span, preview, commit }) {
  /** @type {Map<number, number>} Places of the pointers that are down, by id. */
  const pointers = new Map();
  /** @type {{span: Span, places: number[]} | null} */
  let start = null;
  let isMoving = false;
  let pause = 0;

  const box = () => area.getBoundingClientRect();
  const begin = () => {
    start = { span: span(), places: [...pointers.values()] };
  };

  area.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && !(event.shiftKey && event.button === 0))
      return;
    pointers.set(event.pointerId, event.clientX);
    begin();
  });
  area.addEventListener("pointermove", (event) => {
    if (!start || !pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, event.clientX);
    const places = [...pointers.values()];
    isMoving ||= Math.abs((places[0] ?? 0) - (start.places[0] ?? 0)) > SLACK;
    if (!isMoving && places.length < 2) return;
    if (!area.hasPointerCapture(event.pointerId))
      area.setPointerCapture(event.pointerId);
    preview(spanAfter(start, places, box()));
  });
  const end = (/** @type {PointerEvent} */ event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size) {
      begin();
      return;
    }
    start = null;
    if (isMoving) commit(span());
    isMoving = false;
  };
  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);

  area.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const { left, width } = box();
      const shown = span();
      const share = (event.clientX - left) / width;
      const at = shown.start + share * (shown.end - shown.start);
      preview(scaled(shown, WHEEL_FACTOR ** event.deltaY, at));
      clearTimeout(pause);
      pause = setTimeout(() => commit(span()), WHEEL_PAUSE);
    },
    { passive: false },
  );
}

/**
 * The span in which the moments under the pointers have stayed under them.
 *
 * @param {{span: Span, places: number[]}} start
 * @param {number[]} places
 * @param {DOMRect} box
 * @returns {Span}
 */
function spanAfter({ span, places: [first = 0, second] }, [now = 0, other], box) {
  if (second === undefined || other === undefined || Math.abs(first - second) < 1)
    return moved(span, (first - now) / box.width);
  const factor = Math.abs(first - second) / Math.max(1, Math.abs(now - other));
  const length = span.end - span.start;
  const at = span.start + (((first + second) / 2 - box.left) / box.width) * length;
  const zoomed = scaled(span, factor, at);
  return moved(zoomed, (first + second - now - other) / 2 / box.width);
}
