/**
 * The form that chooses the columns of the table, and remembers them in the browser.
 *
 * @module
 */

import { gettext, language } from "../shared/i18n.js";
import { FIRST_COLUMNS, MOST_COLUMNS, isFirst, titleOf } from "./columns.js";
import { Combobox } from "./combobox.js";
import { byId, element, textField } from "../shared/elements.js";
import { readTags } from "../shared/rest.js";

const SAVED = "haystack-columns";
const TAG = /^[a-z][A-Za-z0-9_]*$/;

/** @returns {string[]} The columns that were chosen last. */
export function savedColumns() {
  try {
    const saved = JSON.parse(localStorage.getItem(SAVED) ?? "null");
    return Array.isArray(saved) ? saved.map(String) : FIRST_COLUMNS;
  } catch {
    return FIRST_COLUMNS; // storage is full, forbidden or was written by others
  }
}

export class ColumnChoice {
  /** @type {string[]} */
  #columns = [];
  #list = byId("column-list", HTMLOListElement);
  #form = byId("column-form", HTMLFormElement);
  #problem = byId("column-problem", HTMLElement);
  #input = textField(gettext("Tag of the new column"), gettext("tag, such as siteRef"));

  /** @param {(columns: string[]) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.#input.id = "new-column";
    const reset = () => this.#choose(FIRST_COLUMNS);
    this.#form.append(
      this.#input,
      element("button", { class: "button", text: gettext("Add") }),
      element("button", { type: "button", text: gettext("As at first"), click: reset }),
    );
    new Combobox(this.#input, {
      suggest: (text) => this.#suggest(text),
      onTake: () => this.#add(),
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
  }

  /** @param {string[]} columns */
  show(columns) {
    if (columns.join() === this.#columns.join() && this.#list.childElementCount) return;
    this.#columns = columns;
    this.#list.replaceChildren(
      ...columns.map((tag, index) => this.#makeItem(tag, index)),
    );
  }

  /** @param {string} text */
  async #suggest(text) {
    const { results } = await readTags({ prefix: text.trim(), limit: "30" });
    return results
      .filter(({ tag }) => !this.#columns.includes(tag))
      .slice(0, 12)
      .map(({ tag, count }) => ({
        ...{ text: tag, detail: count === null ? "" : count.toLocaleString(language) },
        ...{ insert: tag, start: 0, end: text.length },
      }));
  }

  #add() {
    const tag = this.#input.value.trim();
    const problem = this.#problemOf(tag);
    this.#problem.textContent = problem;
    if (problem) return;
    this.#input.value = "";
    this.#choose([...this.#columns, tag]);
  }

  /** @param {string} tag */
  #problemOf(tag) {
    if (!TAG.test(tag))
      return gettext("Give the name of a tag: it begins with a small letter.");
    if (this.#columns.includes(tag))
      return gettext("%(column)s is a column already.", {
        column: titleOf(tag),
      });
    const isFull = this.#columns.length >= MOST_COLUMNS;
    return isFull
      ? gettext("There are at most %(count)s columns.", {
          count: MOST_COLUMNS,
        })
      : "";
  }

  /**
   * @param {string[]} columns
   * @param {() => HTMLElement | null | undefined} [focused] What has the focus then.
   */
  #choose(columns, focused) {
    this.#problem.textContent = "";
    try {
      if (isFirst(columns)) localStorage.removeItem(SAVED);
      else localStorage.setItem(SAVED, JSON.stringify(columns));
    } catch {
      // they stay in the address
    }
    this.onChoose(columns);
    focused?.()?.focus();
  }

  /**
   * @param {string} tag
   * @param {number} index
   */
  #makeItem(tag, index) {
    const moved = (/** @type {number} */ to) => {
      const columns = this.#columns.filter((one) => one !== tag);
      columns.splice(to, 0, tag);
      return columns;
    };
    const column = titleOf(tag);
    const button = (/** @type {string} */ text, /** @type {string} */ label) =>
      element("button", { type: "button", text, "aria-label": label });
    const [left, right, remove] = [
      button("←", gettext("Move %(column)s to the left", { column })),
      button("→", gettext("Move %(column)s to the right", { column })),
      button("✕", gettext("Remove %(column)s", { column })),
    ];
    left.disabled = index === 0;
    right.disabled = index === this.#columns.length - 1;
    const at = (/** @type {number} */ to, /** @type {number} */ which) =>
      this.#list.children[to]?.querySelectorAll("button")[which];
    left.addEventListener("click", () =>
      this.#choose(moved(index - 1), () => at(index - 1, index > 1 ? 0 : 1)),
    );
    right.addEventListener("click", () =>
      this.#choose(moved(index + 1), () =>
        at(index + 1, index + 2 < this.#columns.length ? 1 : 0),
      ),
    );
    remove.addEventListener("click", () =>
      this.#choose(
        this.#columns.filter((one) => one !== tag),
        () => this.#input,
      ),
    );
    return element("li", {}, element("span", { text: column }), left, right, remove);
  }
}
