/**
 * A tile: its frame with title and links, and the chart, table or number in it.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element, setText } from "../shared/elements.js";
import { explorerUrl } from "../shared/urls.js";
import { ChartTile } from "./chart_tile.js";
import { filled, titleOf } from "./content.js";
import { NumberTile } from "./number_tile.js";
import { TableTile } from "./table_tile.js";

/** @import { Live, Rec } from "../live.js" */
/** @import { Shown } from "../charts/trend.js" */
/** @import { Chosen, Tile } from "./content.js" */
/** @import { Sources } from "./sources.js" */

/**
 * What a tile needs from its page.
 *
 * @typedef {object} Page
 * @property {Live["call"]} call
 * @property {Sources} sources
 * @property {string} project Empty for the default storage.
 * @property {() => Shown} shown
 * @property {() => string} rangeTitle
 * @property {(range: string) => void} onRange
 * @property {(record: Rec) => void} onZone A point whose zone the page may name.
 */

/**
 * What a tile shows.
 *
 * @typedef {object} Body
 * @property {HTMLElement} root
 * @property {HTMLElement[]} tools For the head of the tile.
 * @property {(records: Map<string, Rec>, changed: Rec[]) => void} update
 * @property {() => void} follow The range or the units have changed, or the connection
 *   is back.
 * @property {() => void} close
 * @property {(reason: string) => void} explain
 */

const BODIES = { chart: ChartTile, table: TableTile, number: NumberTile };

export class TileView {
  #leave = () => {};

  /**
   * @param {Tile} tile
   * @param {Chosen} chosen
   * @param {Page} page
   * @param {"h3" | "h4"} heading
   */
  constructor(tile, chosen, page, heading) {
    this.filter = filled(tile.filter, chosen);
    /** @type {Body} */
    this.body = new BODIES[tile.kind](tile, page);
    const title = element(heading, { class: "title" });
    const link = element("a", {
      class: "explore",
      href: explorerUrl(page.project, { filter: this.filter, as: "filter" }),
      text: "↗",
    });
    const tools = element("div", { class: "tools" }, ...this.body.tools, link);
    this.root = element(
      "article",
      { class: `tile of-${tile.kind}` },
      element("div", { class: "top" }, title, tools),
      this.body.root,
    );
    setText(title, titleOf(tile, chosen));
    const name = title.textContent;
    link.setAttribute(
      "aria-label",
      name ? gettext("Explore %(name)s", { name }) : gettext("Explore the points"),
    );
    if (!this.filter) this.body.explain(gettext("Filters cannot name this entity."));
    else this.#follow(page.sources);
  }

  /** The range or the units have changed, or the connection is back. */
  follow() {
    this.body.follow();
  }

  close() {
    this.#leave();
    this.body.close();
    this.root.remove();
  }

  /** @param {Sources} sources */
  #follow(sources) {
    this.#leave = sources.follow(this.filter, {
      onRecords: (records, changed) => this.body.update(records, changed),
      onEnd: (reason) => this.body.explain(reason),
    });
  }
}
