/**
 * The list of the points that are overridden now.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { arrange, byId, element, setText } from "../shared/elements.js";
import { EMERGENCY, MANUAL, readLevels, release } from "./priority_array.js";
import { momentText, nameOf } from "../shared/values.js";

/** @import { Live, Rec, Watch } from "../live.js" */
/** @import { Level } from "./priority_array.js" */
/** @import { Rights } from "./rights.js" */

/** Level 1 is for emergencies, level 8 for manual overrides. */
const FILTER = "point and writable and (writeLevel==1 or writeLevel==8)";
/** Points whose arrays are read. */
const MOST = 200;
const RELEASED = new Set([EMERGENCY, MANUAL]);

export class Overrides {
  /** @type {Watch | null} */
  #watch = null;
  /** @type {Map<string, Row>} */
  #rows = new Map();

  #panel = byId("overrides", HTMLElement);
  #note = byId("overrides-note", HTMLElement);
  #body = byId("overridden", HTMLTableSectionElement);

  /**
   * @param {Live} live
   * @param {object} options
   * @param {Rights} options.may
   * @param {(id: string) => void} options.onSelect
   * @param {() => void} options.onDismiss The user closes the list.
   */
  constructor(live, { may, onSelect, onDismiss }) {
    this.live = live;
    this.mayWrite = may.has("write_points");
    this.mayEmergency = this.mayWrite && may.has("write_emergency");
    this.onSelect = onSelect;
    byId("overrides-close", HTMLElement).addEventListener("click", onDismiss);
  }

  open() {
    if (this.#watch) return;
    this.#panel.hidden = false;
    byId("overrides-name", HTMLElement).focus();
    this.#note.textContent = gettext("Loading");
    this.#watch = this.live.watch(
      { filter: FILTER, dis: "overridden now" },
      {
        onRecords: (records, gone) => this.#update(records, gone),
        onEnd: (reason) => setText(this.#note, reason),
      },
    );
  }

  close() {
    this.#watch?.close();
    this.#watch = null;
    this.#panel.hidden = true;
    this.#rows.clear();
    this.#body.replaceChildren();
  }

  /**
   * @param {Rec[]} records
   * @param {string[]} gone
   */
  #update(records, gone) {
    for (const id of gone) this.#rows.delete(id);
    for (const record of records) {
      const id = record.id.val;
      if (!this.#rows.has(id) && this.#rows.size >= MOST) continue;
      const row =
        this.#rows.get(id) ??
        makeRow(record, {
          onSelect: this.onSelect,
          onRelease: (level) => this.#release(id, level),
        });
      this.#rows.set(id, row);
      setText(row.name, nameOf(record));
      this.#read(id, row);
    }
    const shown = [...this.#rows.values()].sort((a, b) =>
      (a.name.textContent ?? "").localeCompare(b.name.textContent ?? "", "en"),
    );
    arrange(
      this.#body,
      shown.map(({ row }) => row),
    );
    this.#say();
  }

  #say() {
    const count = this.#watch?.records.size ?? 0;
    const text =
      count > MOST
        ? gettext("%(count)s points, of which %(most)s are shown")
        : ngettext("%(count)s point", "%(count)s points", count);
    setText(this.#note, interpolate(text, { count, most: MOST }));
  }

  /**
   * @param {string} id
   * @param {Row} row
   */
  async #read(id, row) {
    try {
      const [level] = await readLevels(this.live.call.bind(this.live), id);
      this.#fill(row, level);
    } catch (error) {
      setText(row.who, /** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Row} row
   * @param {Level | undefined} level The effective one.
   */
  #fill(row, level) {
    setText(row.value, level ? `${level.value} @ ${level.number}` : "");
    setText(row.who, level?.who ?? "");
    setText(row.since, momentText(level?.since ?? NaN));
    setText(row.until, momentText(level?.until ?? NaN));
    row.release.dataset.level = String(level?.number ?? MANUAL);
    const may = level?.number === EMERGENCY ? this.mayEmergency : this.mayWrite;
    row.release.hidden = !may || !level || !RELEASED.has(level.number);
  }

  /**
   * @param {string} id
   * @param {number} level
   */
  async #release(id, level) {
    try {
      await release(this.live.call.bind(this.live), id, level);
    } catch (error) {
      setText(this.#note, /** @type {Error} */ (error).message);
    }
  }
}

/** @typedef {ReturnType<typeof makeRow>} Row */

/**
 * @param {Rec} record
 * @param {{onSelect: (id: string) => void, onRelease: (level: number) => void}} handlers
 */
function makeRow(record, { onSelect, onRelease }) {
  const name = element("button", {
    type: "button",
    class: "name",
    click: () => onSelect(record.id.val),
  });
  // on narrow pages, which have no heads of columns, a word is before the time
  const cell = (/** @type {string} */ what, word = "") =>
    element("td", { class: what, ...(word ? { data: { word } } : {}) });
  const cells = {
    value: cell("reading"),
    who: cell("who"),
    since: cell("since", gettext("since")),
    until: cell("until", gettext("until")),
  };
  /** @type {HTMLButtonElement} */
  const button = element("button", {
    type: "button",
    text: gettext("Release"),
    hidden: "",
    "aria-label": gettext("Release %(name)s", { name: nameOf(record) }),
    click: () => onRelease(Number(button.dataset.level)),
  });
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    ...Object.values(cells),
    element("td", {}, button),
  );
  return { row, name, ...cells, release: button };
}
