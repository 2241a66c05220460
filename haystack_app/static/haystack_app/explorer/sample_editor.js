/**
 * Part of the panel of one point: samples of a span are listed, corrected, marked as
 * not available, or removed, with a reason, and each edit can be undone.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { byId, element, textField } from "../shared/elements.js";
import { request } from "../shared/rest.js";
import { sampleChangesUrl } from "../shared/urls.js";
import { instantOf, textOf } from "../shared/values.js";
import { instantAt, isoIn } from "../shared/zones.js";
import { tagInput } from "./tag_input.js";

/** @import { Dict, Hayson, Live, Rec } from "../live.js" */
/** @import { Kind, TagInput } from "./tag_input.js" */

/** Samples that are listed; an edit takes all of the span. */
const LISTED = 200;
const SECOND = 1000;

export class SampleEditor {
  /** @type {Rec | null} */
  #record = null;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;

  #box = byId("sample-editor", HTMLDetailsElement);
  #from = timeField(gettext("From"));
  #to = timeField(gettext("To"));
  #reason = textField(gettext("Reason of the edit"), gettext("why"));
  #list = element("div", { id: "sample-list" });
  #note = element("p", { class: "note", role: "status" });
  #problem = element("p", { class: "problem", role: "alert" });

  /**
   * @param {Live["call"]} call
   * @param {boolean} mayEdit
   * @param {object} chart What the chart shows.
   * @param {() => {start: number, end: number}} chart.span
   * @param {() => string} chart.zone
   * @param {() => void} chart.reload
   */
  constructor(call, mayEdit, chart) {
    this.call = call;
    this.mayEdit = mayEdit;
    this.chart = chart;
    this.#reason.maxLength = 500;
    const take = button(gettext("As in the chart"), () => this.#take());
    const list = element("button", { class: "button", text: gettext("List samples") });
    const form = element(
      "form",
      { class: "samples" },
      this.#from,
      this.#to,
      take,
      list,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#read();
    });
    byId("sample-editor-box", HTMLElement).append(
      form,
      this.#problem,
      this.#note,
      this.#list,
    );
    this.#box.addEventListener("toggle", () => {
      if (this.#box.open && !inputOf(this.#from).value) this.#take();
    });
  }

  /** @param {Rec} record The record of the panel, whenever it changes. */
  update(record) {
    const isOther = this.#record?.id.val !== record.id.val;
    this.#record = record;
    this.#box.hidden = !(this.mayEdit && "his" in record && "kind" in record);
    if (isOther) this.#reset();
  }

  clear() {
    this.#record = null;
    this.#box.hidden = true;
    this.#box.open = false;
    this.#reset();
  }

  #reset() {
    this.#round++;
    inputOf(this.#from).value = inputOf(this.#to).value = this.#reason.value = "";
    this.#list.replaceChildren();
    this.#note.textContent = this.#problem.textContent = "";
    if (this.#box.open) this.#take();
  }

  /** Take the span of the chart, whose end is not in it. */
  #take() {
    const { start, end } = this.chart.span();
    const zone = this.chart.zone();
    inputOf(this.#from).value = isoIn(start, zone).slice(0, 19);
    inputOf(this.#to).value = isoIn(end - SECOND, zone).slice(0, 19);
  }

  /** @returns {string} The range of hisRead; the second of its end is in it. */
  #range() {
    const zone = this.chart.zone();
    const [start, end] = [this.#from, this.#to].map((field) =>
      instantAt(inputOf(field).value, zone),
    );
    if (!Number.isFinite(start) || !Number.isFinite(end))
      throw new Error(gettext("choose two times, the first and the last one"));
    const at = (/** @type {number} */ instant) => new Date(instant).toISOString();
    return `${at(start ?? 0)},${at((end ?? 0) + SECOND)}`;
  }

  async #read() {
    const record = this.#record;
    if (!record) return;
    const round = ++this.#round;
    this.#problem.textContent = "";
    try {
      const range = this.#range();
      const asked = gridOf([{ id: refOf(record.id.val), range }]);
      const { rows } = await this.call("hisRead", asked);
      if (round === this.#round) this.#show(record, range, rows);
    } catch (error) {
      if (round === this.#round) this.#say(error);
    }
  }

  /**
   * @param {Rec} record
   * @param {string} range
   * @param {Dict[]} rows
   */
  #show(record, range, rows) {
    const count = rows.length;
    this.#note.textContent = counted(count, LISTED);
    if (!rows.length) {
      this.#list.replaceChildren();
      return;
    }
    const edit = (/** @type {string} */ action) => () =>
      this.#edit({ id: record.id.val, action, range });
    const actions = element(
      "p",
      { class: "actions" },
      this.#reason,
      button(
        ngettext("Mark %(count)s sample as NA", "Mark %(count)s samples as NA", count),
        edit("na"),
      ),
      button(
        ngettext("Remove %(count)s sample", "Remove %(count)s samples", count),
        edit("remove"),
      ),
    );
    const body = rows.slice(0, LISTED).map((row) => this.#row(record, row));
    const table = element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col", text: gettext("Time") }),
          element("th", { scope: "col", text: gettext("Value") }),
          element("td"),
        ),
      ),
      element("tbody", {}, ...body),
    );
    const scroll = { class: "scroll-x", role: "group", tabindex: "0" };
    this.#list.replaceChildren(
      actions,
      element("div", { ...scroll, "aria-label": gettext("Samples") }, table),
    );
  }

  /**
   * @param {Rec} record
   * @param {Dict} sample
   */
  #row(record, { ts, val }) {
    const time = wallText(instantOf(ts), this.chart.zone());
    const value = element("td", { text: textOf(val) });
    const label = gettext("Correct the value of %(time)s", { time });
    const correct = element("button", {
      type: "button",
      text: gettext("Correct"),
      "aria-label": label,
      click: () => {
        const input = tagInput(
          /** @type {Kind} */ (textOf(record.kind)),
          val ?? null,
          label,
        );
        const save = button(gettext("Save"), () =>
          this.#correct(record, ts, input.read),
        );
        value.replaceChildren(input.field, save);
        const field = value.querySelector("input, select");
        if (field instanceof HTMLElement) field.focus();
        correct.hidden = true;
      },
    });
    const name = element("th", { scope: "row", text: time });
    return element("tr", {}, name, value, element("td", {}, correct));
  }

  /**
   * @param {Rec} record
   * @param {Hayson | undefined} ts
   * @param {TagInput["read"]} read
   */
  async #correct(record, ts, read) {
    try {
      const value = await read();
      await this.#edit({ id: record.id.val, action: "set", ts: ts ?? null, value });
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {Record<string, Hayson>} body Of the request, without the reason. */
  async #edit(body) {
    this.#problem.textContent = "";
    const reason = this.#reason.value.trim();
    if (!reason) {
      this.#say(new Error(gettext("write the reason of the edit")));
      this.#reason.focus();
      return;
    }
    const url = sampleChangesUrl(document.body.dataset.project);
    try {
      const done = await request("POST", url, { ...body, reason });
      await this.#read();
      const text = ngettext(
        "%(count)s sample edited.",
        "%(count)s samples edited.",
        done.samples,
      );
      this.#done(text, done.change);
    } catch (error) {
      this.#say(error);
    }
  }

  /**
   * @param {string} text
   * @param {string | null} change For its undo.
   */
  #done(text, change) {
    this.chart.reload();
    this.#note.textContent = `${text} `;
    if (change) this.#note.append(button(gettext("Undo"), () => this.#undo(change)));
  }

  /** @param {string} change */
  async #undo(change) {
    const url = sampleChangesUrl(document.body.dataset.project);
    try {
      const done = await request("POST", `${url}${encodeURIComponent(change)}/undo/`);
      await this.#read();
      const text = ngettext(
        "%(count)s sample as before.",
        "%(count)s samples as before.",
        done.restored,
      );
      this.#done(text, null);
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {unknown} error */
  #say(error) {
    this.#problem.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {string} name */
const timeField = (name) =>
  element(
    "label",
    {},
    element("span", { text: name }),
    element("input", { type: "datetime-local", step: "1" }),
  );

/** @param {HTMLElement} field */
const inputOf = (field) => /** @type {HTMLInputElement} */ (field.lastElementChild);

/**
 * @param {string} text
 * @param {() => void} click
 */
const button = (text, click) => element("button", { type: "button", text, click });

/**
 * @param {number} instant
 * @param {string} zone
 */
const wallText = (instant, zone) =>
  isoIn(instant, zone)
    .replace("T", " ")
    .replace(/[+-]\d\d:\d\d$/, "");

/**
 * @param {number} count
 * @param {number} most
 */
const counted = (count, most) =>
  interpolate(
    count > most
      ? gettext("%(count)s samples, of which the first %(most)s are listed.")
      : ngettext("%(count)s sample.", "%(count)s samples.", count),
    { count, most },
  );
