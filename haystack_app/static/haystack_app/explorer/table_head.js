/**
 * Head of the table: a click sorts by a column, and below it is the column's filter.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { NAME, classOf, titleOf } from "./columns.js";
import { byId, element } from "../shared/elements.js";

/** @import { View } from "./address.js" */

/** Milliseconds after the last letter of a filter. */
const PAUSE = 250;

/**
 * @typedef {object} Handlers
 * @property {(sort: string) => void} onSort
 * @property {(only: Record<string, string>) => void} onOnly
 */

export class TableHead {
  /** @type {Pick<View, "columns" | "sort" | "only">} */
  #view = { columns: [], sort: NAME, only: {} };
  /** @type {Map<string, HTMLInputElement>} Filters by tag. */
  #inputs = new Map();
  #isFiltering = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #toggle = byId("filter-columns", HTMLButtonElement);

  /**
   * @param {HTMLTableSectionElement} head
   * @param {Handlers} handlers
   */
  constructor(head, handlers) {
    this.head = head;
    this.handlers = handlers;
    this.#toggle.addEventListener("click", () => this.#toggleFilters());
  }

  /** @param {Pick<View, "columns" | "sort" | "only">} view */
  show(view) {
    const isSame = view.columns.join() === this.#view.columns.join();
    this.#view = view;
    this.#isFiltering ||= Object.keys(view.only).length > 0;
    if (!isSame || !this.head.rows.length) this.#build();
    this.#fill();
  }

  #toggleFilters() {
    this.#isFiltering = !this.#isFiltering;
    this.#fill();
    if (this.#isFiltering) this.#inputs.get(NAME)?.focus();
    else if (Object.keys(this.#view.only).length) this.handlers.onOnly({});
  }

  #build() {
    const tags = [NAME, ...this.#view.columns];
    this.#inputs = new Map(tags.map((tag) => [tag, this.#makeInput(tag)]));
    const titles = tags.map((tag) =>
      element(
        "th",
        { scope: "col", class: classOf(tag).split(" ")[0] ?? "", data: { tag } },
        element("button", {
          type: "button",
          text: titleOf(tag),
          title: tag,
          click: () => this.#sortBy(tag),
        }),
      ),
    );
    const filters = tags.map((tag) =>
      element("td", {}, /** @type {HTMLInputElement} */ (this.#inputs.get(tag))),
    );
    const check = () => element("td", { class: "check" });
    this.head.replaceChildren(
      element("tr", {}, check(), ...titles),
      element("tr", { class: "filters" }, check(), ...filters),
    );
  }

  #fill() {
    const { sort, only } = this.#view;
    const [titles, filters] = this.head.rows;
    for (const title of titles?.querySelectorAll("th") ?? []) {
      title.removeAttribute("aria-sort");
      if (title.dataset.tag === sort) title.setAttribute("aria-sort", "ascending");
      if (`-${title.dataset.tag}` === sort)
        title.setAttribute("aria-sort", "descending");
    }
    if (filters) filters.hidden = !this.#isFiltering;
    this.#toggle.setAttribute("aria-pressed", String(this.#isFiltering));
    for (const [tag, input] of this.#inputs)
      if (input !== document.activeElement) input.value = only[tag] ?? "";
  }

  /** @param {string} tag */
  #sortBy(tag) {
    this.handlers.onSort(this.#view.sort === tag ? `-${tag}` : tag);
  }

  /** @param {string} tag */
  #makeInput(tag) {
    const input = element("input", {
      type: "search",
      "aria-label": gettext("Filter %(column)s", { column: titleOf(tag) }),
      autocomplete: "off",
      spellcheck: "false",
      input: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#filter(), PAUSE);
      },
    });
    return input;
  }

  #filter() {
    const texts = [...this.#inputs].map(([tag, input]) => [tag, input.value.trim()]);
    this.handlers.onOnly(Object.fromEntries(texts.filter(([, text]) => text)));
  }
}
