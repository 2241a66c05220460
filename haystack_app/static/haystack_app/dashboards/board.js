/**
 * The sections of a dashboard with their tiles, repeated where a section says so.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { arrange, element, setText } from "../shared/elements.js";
import { nameOf } from "../shared/values.js";
import { MOST_MATCHES, filled, heightOf, titleOf, widthOf } from "./content.js";
import { TileView } from "./tile.js";

/** @import { Rec } from "../live.js" */
/** @import { Chosen, Content, Section, Tile } from "./content.js" */
/** @import { Page } from "./tile.js" */

/** @typedef {{root: HTMLElement, name: HTMLElement, grid: HTMLElement}} Group */

export class Board {
  /** @type {Map<string, TileView>} By what they show, to keep them while editing. */
  #tiles = new Map();
  /** @type {Map<string, Rec[]>} Matches of `each`, by filter. */
  #matches = new Map();
  /** @type {Map<string, string>} Why a filter is refused. */
  #reasons = new Map();
  /** @type {Map<string, () => void>} */
  #followed = new Map();
  /** @type {Content} */
  #content = {};
  /** @type {Rec | undefined} */
  #subject;

  /**
   * @param {HTMLElement} root
   * @param {Page} page
   * @param {(board: Board) => void} onDrawn
   */
  constructor(root, page, onDrawn) {
    this.root = root;
    this.page = page;
    this.onDrawn = onDrawn;
  }

  /**
   * @param {Content} content
   * @param {Rec} [subject]
   */
  show(content, subject) {
    this.#content = content;
    this.#subject = subject;
    this.#followMatches();
    this.#draw();
  }

  /** The range or the units have changed, or the connection is back. */
  follow() {
    for (const tile of this.#tiles.values()) tile.follow();
  }

  /** Watch what sections repeat their tiles for. */
  #followMatches() {
    const sections = this.#content.sections ?? [];
    const wanted = new Set(
      sections.map(({ each }) => (each ? this.#filled(each) : "")).filter(Boolean),
    );
    for (const [filter, leave] of this.#followed)
      if (!wanted.has(filter)) {
        leave();
        this.#followed.delete(filter);
        this.#matches.delete(filter);
      }
    for (const filter of wanted)
      if (!this.#followed.has(filter)) this.#followOne(filter);
  }

  /** @param {string} filter */
  #followOne(filter) {
    this.#followed.set(filter, () => {});
    const leave = this.page.sources.follow(filter, {
      onRecords: (records) => {
        const found = [...records.values()];
        found.sort((a, b) =>
          nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }),
        );
        const before = this.#matches.get(filter);
        this.#matches.set(filter, found);
        const isSame = before && idsOf(before) === idsOf(found);
        if (!isSame) this.#draw();
      },
      onEnd: (reason) => {
        this.#reasons.set(filter, reason);
        this.#draw();
      },
    });
    this.#followed.set(filter, leave);
  }

  /** @param {string} filter */
  #filled(filter) {
    return filled(filter, this.#subject ? { subject: this.#subject } : {});
  }

  #draw() {
    const used = new Set();
    const sections = (this.#content.sections ?? []).map((section, index) =>
      this.#section(section, index, used),
    );
    for (const [key, tile] of this.#tiles)
      if (!used.has(key)) {
        tile.close();
        this.#tiles.delete(key);
      }
    arrange(this.root, sections);
    this.onDrawn(this);
  }

  /**
   * @param {Section} section
   * @param {number} index
   * @param {Set<string>} used
   */
  #section(section, index, used) {
    const root = element("section", { data: { section: String(index) } });
    const chosen = this.#subject ? { subject: this.#subject } : {};
    const title = titleOf(
      { kind: "table", filter: "", title: section.title ?? "" },
      chosen,
    );
    if (title) root.append(element("h2", { text: title }));
    else
      root.setAttribute(
        "aria-label",
        gettext("Section %(number)s", { number: index + 1 }),
      );
    if (!section.each) root.append(this.#grid(section, index, chosen, used));
    else this.#repeat(root, section, index, used);
    return root;
  }

  /**
   * @param {HTMLElement} root
   * @param {Section} section
   * @param {number} index
   * @param {Set<string>} used
   */
  #repeat(root, section, index, used) {
    const filter = this.#filled(section.each ?? "");
    const matches = this.#matches.get(filter);
    const shown = matches?.slice(0, MOST_MATCHES) ?? [];
    for (const each of shown) {
      const chosen = { each, ...(this.#subject ? { subject: this.#subject } : {}) };
      const name = element("h3", { class: "each" });
      setText(name, nameOf(each));
      root.append(name, this.#grid(section, index, chosen, used));
    }
    const more = (matches?.length ?? 0) - shown.length;
    const reason = this.#reasons.get(filter);
    const text =
      reason ??
      (!matches ? "" : more > 0 ? gettext("And %(count)s more.", { count: more }) : "");
    const empty = matches && !matches.length ? gettext("Nothing matches.") : text;
    if (empty) root.append(element("p", { class: "note", text: empty }));
  }

  /**
   * @param {Section} section
   * @param {number} index
   * @param {Chosen} chosen
   * @param {Set<string>} used
   */
  #grid(section, index, chosen, used) {
    const tiles = (section.tiles ?? []).map((tile, position) => {
      const view = this.#tile(tile, chosen, used);
      view.root.style.setProperty("--width", String(widthOf(tile)));
      view.root.style.setProperty("--height", String(heightOf(tile)));
      view.root.dataset.place = `${index}.${position}`;
      return view.root;
    });
    return element("div", { class: "tiles" }, ...tiles);
  }

  /**
   * @param {Tile} tile
   * @param {Chosen} chosen
   * @param {Set<string>} used
   */
  #tile(tile, chosen, used) {
    const heading = chosen.each ? "h4" : "h3";
    const ids = [chosen.subject?.id.val, chosen.each?.id.val];
    const { kind, title, filter, columns, fold } = tile;
    const key = JSON.stringify([kind, title, filter, columns, fold, ids, heading]);
    let unique = key;
    while (used.has(unique)) unique += "+";
    used.add(unique);
    const known = this.#tiles.get(unique);
    if (known) return known;
    const view = new TileView(tile, chosen, this.page, heading);
    this.#tiles.set(unique, view);
    return view;
  }
}

/** @param {Rec[]} records */
const idsOf = (records) => records.map(({ id }) => id.val).join();
