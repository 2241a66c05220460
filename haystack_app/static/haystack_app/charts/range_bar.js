/**
 * The controls above a chart: its range, and whose times it shows.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { COMPARISONS, checkedComparison } from "./comparison.js";
import { PERIODS, daysOf, isDays } from "./ranges.js";
import { browserZone, momentIn } from "../shared/zones.js";

/** @import { Comparison } from "./comparison.js" */
/** @import { Span } from "./ranges.js" */

/** @typedef {"point" | "browser"} ZoneChoice Whose times are shown. */

const CUSTOM = "custom";

export class RangeBar {
  #select = byId("range", HTMLSelectElement);
  #days = byId("days", HTMLElement);
  #first = byId("first-day", HTMLInputElement);
  #last = byId("last-day", HTMLInputElement);
  #times = byId("times", HTMLElement);
  #compare = byId("compare", HTMLSelectElement);
  #title = "";

  /**
   * @param {object} handlers
   * @param {(range: string) => void} handlers.onRange
   * @param {(zone: ZoneChoice) => void} handlers.onZone
   * @param {(comparison: Comparison) => void} handlers.onCompare
   * @param {(direction: 1 | -1) => void} handlers.onMove
   * @param {(direction: 1 | -1) => void} handlers.onZoom Positive for more detail.
   */
  constructor({ onRange, onZone, onCompare, onMove, onZoom }) {
    this.onRange = onRange;
    this.onZone = onZone;
    const choices = [...Object.entries(PERIODS), [CUSTOM, gettext("Other days")]];
    this.#select.append(
      ...choices.map(([value = "", text = ""]) => element("option", { value, text })),
    );
    this.#select.addEventListener("change", () => {
      const isCustom = this.#select.value === CUSTOM;
      this.#days.hidden = !isCustom;
      if (isCustom) this.#first.focus();
      else onRange(this.#select.value);
    });
    this.#compare.append(
      ...COMPARISONS.map(([value, text]) => element("option", { value, text })),
    );
    this.#compare.addEventListener("change", () =>
      onCompare(checkedComparison(this.#compare.value)),
    );
    for (const input of [this.#first, this.#last])
      input.addEventListener("change", () => this.#onDays());
    const on = (/** @type {string} */ id, /** @type {() => void} */ click) =>
      byId(id, HTMLButtonElement).addEventListener("click", click);
    on("earlier", () => onMove(-1));
    on("later", () => onMove(1));
    on("zoom-in", () => onZoom(1));
    on("zoom-out", () => onZoom(-1));
  }

  /** @returns {string} What the chart shows. */
  title() {
    return this.#title;
  }

  /**
   * @param {string} range
   * @param {ZoneChoice} choice
   * @param {{own: string, city: string, span: Span, comparison: Comparison}} shown
   *   `own` is the zone of the points, `city` what their tag `tz` calls it.
   */
  show(range, choice, { own, city, span, comparison }) {
    const isPeriod = Object.hasOwn(PERIODS, range);
    const mine = browserZone();
    const zone = choice === "browser" ? mine : own;
    this.#select.value = isPeriod ? range : CUSTOM;
    this.#days.hidden = isPeriod;
    this.#compare.value = comparison;
    [this.#first.value, this.#last.value] = daysOf(span, zone);
    this.#title = isPeriod ? (PERIODS[range] ?? "") : spanText(span, zone);
    const name = choice === "browser" ? mine : city.replaceAll("_", " ") || mine;
    const moments = isPeriod || isDays(range) ? "" : `${this.#title}. `;
    this.#times.replaceChildren(moments + gettext("Times of %(zone)s", { zone: name }));
    if (own === mine) return;
    const other = choice === "browser" ? "point" : "browser";
    const text =
      choice === "browser"
        ? gettext("Show those of %(zone)s", {
            zone: city.replaceAll("_", " "),
          })
        : gettext("Show mine");
    const click = () => this.onZone(other);
    this.#times.append(" ", element("button", { type: "button", text, click }));
  }

  #onDays() {
    const [first, last] = [this.#first.value, this.#last.value];
    if (first && last && first <= last) this.onRange(`${first}..${last}`);
  }
}

/**
 * @param {Span} span
 * @param {string} zone
 */
function spanText({ start, end }, zone) {
  return gettext("%(start)s to %(end)s", {
    start: momentIn(start, zone),
    end: momentIn(end, zone),
  });
}
