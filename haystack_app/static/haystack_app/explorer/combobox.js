/**
 * A text box with suggestions below it, as the ARIA pattern of a combobox has it.
 *
 * The arrow keys choose, Enter takes, Escape closes. Nothing is chosen before, so that
 * Enter still sends what was typed.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";

/** Milliseconds after the last letter. */
const PAUSE = 120;

/**
 * @typedef {object} Suggestion
 * @property {string} text What the user reads.
 * @property {string} detail Beside it.
 * @property {string} insert What replaces the text from `start` to `end`.
 * @property {number} start
 * @property {number} end
 */

/**
 * @typedef {object} Handlers
 * @property {(text: string, caret: number) => Promise<Suggestion[]>} suggest
 * @property {() => void} [onTake] A suggestion is in the box.
 */

export class Combobox {
  /** @type {Suggestion[]} */
  #items = [];
  #active = -1;
  /** The text that the suggestions are for. */
  #text = "";
  /** Answers to earlier texts are ignored. */
  #round = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #list;
  #said = element("span", { class: "unseen", role: "status" });

  /**
   * @param {HTMLInputElement} input With an id.
   * @param {Handlers} handlers
   */
  constructor(input, handlers) {
    this.input = input;
    this.handlers = handlers;
    this.#list = element("ul", {
      class: "suggestions",
      role: "listbox",
      id: `${input.id}-suggestions`,
      "aria-label": gettext("Suggestions"),
      hidden: "",
    });
    this.#setUp();
  }

  get #isOpen() {
    return !this.#list.hidden;
  }

  close() {
    this.#round++;
    clearTimeout(this.#timer);
    this.#show([]);
  }

  #setUp() {
    const { input } = this;
    const box = element("span", { class: "combobox" });
    input.replaceWith(box);
    box.append(input, this.#list, this.#said);
    for (const [name, value] of Object.entries({
      role: "combobox",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.#list.id,
    }))
      input.setAttribute(name, value);
    input.addEventListener("input", () => {
      this.#activate(-1);
      this.#suggestSoon();
    });
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.#onKey(event));
    // the box keeps the focus
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => {
      const item = /** @type {Element} */ (target).closest("li");
      if (item) this.#take([...this.#list.children].indexOf(item));
    });
  }

  #suggestSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#suggest(), PAUSE);
  }

  async #suggest() {
    clearTimeout(this.#timer);
    const round = ++this.#round;
    const { value, selectionStart } = this.input;
    const caret = selectionStart ?? value.length;
    const items = await this.handlers.suggest(value, caret).catch(() => []);
    if (round !== this.#round) return;
    this.#text = value;
    this.#show(items);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key } = event;
    if (key === "Escape" && this.#isOpen) {
      event.stopPropagation(); // it closes no more than the list
      this.close();
    } else if (key === "Enter" && this.#active >= 0) this.#take(this.#active);
    else if (key === "Enter") {
      this.close();
      return;
    } else if (key === "ArrowDown" || key === "ArrowUp") this.#step(key);
    else return;
    event.preventDefault();
  }

  /** @param {"ArrowDown" | "ArrowUp"} key */
  #step(key) {
    if (!this.#isOpen || this.#text !== this.input.value) {
      this.#suggest().then(() => this.#activate(0));
      return;
    }
    const count = this.#items.length;
    const next = this.#active + (key === "ArrowDown" ? 1 : -1);
    this.#activate(next < -1 ? count - 1 : next >= count ? -1 : next);
  }

  /** @param {number} index -1 for none. */
  #activate(index) {
    this.#active = index;
    for (const [at, item] of [...this.#list.children].entries())
      item.setAttribute("aria-selected", String(at === index));
    const item = this.#list.children[index];
    item?.scrollIntoView({ block: "nearest" });
    if (item) this.input.setAttribute("aria-activedescendant", item.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {Suggestion[]} items */
  #show(items) {
    this.#items = items;
    this.#list.replaceChildren(
      ...items.map(({ text, detail }, index) =>
        element(
          "li",
          { role: "option", id: `${this.#list.id}-${index}`, "aria-selected": "false" },
          element("span", { text }),
          element("small", { text: detail }),
        ),
      ),
    );
    this.#list.hidden = !items.length;
    this.input.setAttribute("aria-expanded", String(this.#isOpen));
    this.#said.textContent = items.length
      ? ngettext("%(count)s suggestion", "%(count)s suggestions", items.length)
      : "";
    this.#activate(-1);
  }

  /** @param {number} index */
  #take(index) {
    const item = this.#items[index];
    if (!item) return;
    const { input } = this;
    input.setRangeText(item.insert, item.start, item.end, "end");
    this.close();
    this.handlers.onTake?.();
    if (item.insert.endsWith(" ")) this.#suggestSoon();
  }
}
