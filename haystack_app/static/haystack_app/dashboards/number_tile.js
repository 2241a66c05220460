/**
 * One big number of the points that match.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { spanOf } from "../charts/ranges.js";
import { gridOf, refOf } from "../live.js";
import { element, setText } from "../shared/elements.js";
import { statusOf } from "../shared/freshness.js";
import {
  convert,
  isConvertible,
  shownNumber,
  shownUnit,
  valueText,
} from "../shared/units.js";
import { instantOf, numberText, textOf, withoutUnit } from "../shared/values.js";
import { browserZone, zoneOf } from "../shared/zones.js";
import { countedIn } from "./counter.js";

/** @import { Rec } from "../live.js" */
/** @import { Span } from "../charts/ranges.js" */
/** @import { Tile } from "./content.js" */
/** @import { Page } from "./tile.js" */

const MOST_COUNTERS = 100;
/** Counters that are read at one time. */
const AT_ONCE = 6;
const SAMPLES = 1000;
const DAY = 86_400_000;
/** Milliseconds between two requests for a consumption. */
const PAUSE = 60_000;

/** @typedef {{text: string, unit: string, below: string, status: string}} Reading */

export class NumberTile {
  /** @type {HTMLElement[]} */
  tools = [];
  /** @type {Rec[]} */
  #records = [];
  #readAt = 0;
  /** Counts requests; of several, the newest is shown. */
  #round = 0;
  #value = element("span");
  #unit = element("span", { class: "unit" });
  #below = element("p", { class: "below" });
  #big = element("p", { class: "big" }, this.#value, this.#unit);

  /**
   * @param {Tile} tile
   * @param {Page} page
   */
  constructor({ fold = "value" }, page) {
    this.page = page;
    this.fold = fold;
    this.root = element("div", { class: "body" }, this.#big, this.#below);
  }

  /** @param {Map<string, Rec>} records */
  update(records) {
    const before = this.#records.length;
    this.#records = [...records.values()];
    if (this.fold !== "consumption") this.#show(readingOf(this.#records, this.fold));
    else if (before !== records.size || Date.now() - this.#readAt > PAUSE) this.#read();
  }

  follow() {
    if (this.fold !== "consumption") this.#show(readingOf(this.#records, this.fold));
    else this.#read();
  }

  close() {
    this.#records = [];
  }

  /** @param {string} reason */
  explain(reason) {
    this.#show(nothing(reason));
  }

  async #read() {
    this.#readAt = Date.now();
    const round = ++this.#round;
    const records = this.#records.filter((record) => "his" in record);
    if (!records.length)
      return this.explain(gettext("None of the matches has a history."));
    try {
      const reading = await consumptionOf(this.page, records.slice(0, MOST_COUNTERS));
      if (round === this.#round) this.#show(reading);
    } catch (error) {
      if (round === this.#round) this.explain(/** @type {Error} */ (error).message);
    }
  }

  /** @param {Reading} reading */
  #show({ text, unit, below, status }) {
    setText(this.#value, text);
    setText(this.#unit, unit);
    setText(this.#below, below);
    this.#big.dataset.status = status;
    this.#big.dataset.size = text.length > 9 ? "long" : "";
  }
}

/**
 * @param {Rec[]} records
 * @param {string} fold
 * @returns {Reading}
 */
function readingOf(records, fold) {
  if (fold === "count")
    return { text: numberText(records.length), unit: "", below: "", status: "" };
  const [first] = records;
  if (!first) return nothing(gettext("Nothing matches."));
  if (fold === "value") return firstReading(first, records.length);
  return foldedReading(records, fold);
}

/**
 * @param {Rec} record
 * @param {number} count
 * @returns {Reading}
 */
function firstReading(record, count) {
  const { status } = statusOf(record);
  const text = valueText(record.curVal) || "–";
  const [, number = text, unit = ""] = /^(-?[\d.,]+) ?(\D\S*)$/.exec(text) ?? [];
  const state = status && status !== "ok" ? status : "";
  const more = count > 1 ? gettext("first of %(count)s", { count }) : "";
  const below = [state, more].filter(Boolean).join(", ");
  return { text: number, unit, below, status };
}

/**
 * @param {Rec[]} records
 * @param {string} fold
 * @returns {Reading}
 */
function foldedReading(records, fold) {
  const unit = textOf(records.find(({ unit: one }) => one != null)?.unit);
  const shown = shownUnit(unit);
  const values = records.flatMap((record) => {
    const value = withoutUnit(record.curVal);
    if (typeof value !== "number" || statusOf(record).status === "fault") return [];
    return [convert(value, textOf(record.unit), shown)];
  });
  if (records.some((record) => !isConvertible(textOf(record.unit), shown)))
    return nothing(gettext("The matches have different units."));
  if (!values.length) return nothing(gettext("No values."));
  const sum = values.reduce((total, value) => total + value, 0);
  const folds = {
    sum,
    avg: sum / values.length,
    min: Math.min(...values),
    max: Math.max(...values),
  };
  const result = folds[/** @type {keyof typeof folds} */ (fold)];
  const below =
    values.length < records.length
      ? gettext("of %(count)s of %(total)s points", {
          count: values.length,
          total: records.length,
        })
      : ngettext("of %(count)s point", "of %(count)s points", values.length);
  return { text: numberText(result), unit: shown, below, status: "" };
}

/**
 * What counters have counted in the range of the page.
 *
 * @param {Page} page
 * @param {Rec[]} records
 * @returns {Promise<Reading>}
 */
async function consumptionOf(page, records) {
  const { range, zone } = page.shown();
  const own = zone === "browser" ? "" : zoneOf(textOf(records[0]?.tz));
  const span = spanOf(range, own || browserZone());
  const unit = textOf(records[0]?.unit);
  let [sum, known] = [0, 0];
  for (let at = 0; at < records.length; at += AT_ONCE) {
    const some = records.slice(at, at + AT_ONCE);
    const counted = await Promise.all(
      some.map((record) => countedBy(page.call, record, span)),
    );
    for (const [index, value] of counted.entries()) {
      if (Number.isNaN(value)) continue;
      sum += convert(value, textOf(some[index]?.unit), unit);
      known++;
    }
  }
  if (!known) return nothing(gettext("No samples in this time."));
  const all = records.length;
  const text = numberText(shownNumber(sum, unit));
  const below =
    known < all
      ? gettext("of %(count)s of %(total)s meters", {
          count: known,
          total: all,
        })
      : all > 1
        ? gettext("of %(count)s meters", { count: all })
        : "";
  return { text, unit: shownUnit(unit), below, status: "" };
}

/**
 * @param {Page["call"]} call
 * @param {Rec} record Of a counter.
 * @param {Span} span
 * @returns {Promise<number>} In its unit; NaN if nothing is known.
 */
async function countedBy(call, record, span) {
  const at = (/** @type {number} */ instant) =>
    new Date(Math.round(instant)).toISOString();
  const range = `${at(span.start - DAY)},${at(Math.min(span.end, Date.now()) + DAY)}`;
  const request = gridOf([{ id: refOf(record.id.val), range, maxPoints: SAMPLES }]);
  const { rows } = await call("hisRead", request);
  const readings = rows.flatMap(({ ts, val }) => {
    const value = withoutUnit(val);
    /** @type {[number, number][]} */
    const known = typeof value === "number" ? [[instantOf(ts), value]] : [];
    return known;
  });
  return countedIn(readings, span);
}

/**
 * @param {string} below Why there is no number.
 * @returns {Reading}
 */
const nothing = (below) => ({ text: "–", unit: "", below, status: "" });
