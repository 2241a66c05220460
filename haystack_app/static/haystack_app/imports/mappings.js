/**
 * Corrections that are saved by name, and used again.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, choice, element, textField } from "../shared/elements.js";
import { listMappings, saveMapping } from "./api.js";

/** @import { Corrections } from "./api.js" */

export class Mappings {
  /** @type {Map<string, Corrections>} */
  #saved = new Map();
  /** @type {Corrections} */
  #current = {};

  #box = byId("saved", HTMLElement);
  #note = byId("saved-note", HTMLElement);
  #select = choice("", [["", gettext("None")]]);
  #name = textField("");
  #save = element("button", {
    type: "button",
    text: gettext("Save"),
    click: () => this.#keep(),
  });

  /** @param {(corrections: Corrections) => void} onCorrect */
  constructor(onCorrect) {
    this.#select.id = "saved-mapping";
    this.#name.id = "saved-as";
    this.#name.removeAttribute("aria-label");
    this.#name.maxLength = 100;
    this.#box.append(
      element(
        "div",
        {},
        element("label", {
          for: "saved-mapping",
          text: gettext("Use a saved mapping"),
        }),
        this.#select,
      ),
      element(
        "div",
        {},
        element("label", { for: "saved-as", text: gettext("Save this one as") }),
        element("span", { class: "with-button" }, this.#name, this.#save),
      ),
    );
    this.#select.addEventListener("change", () => {
      const chosen = this.#saved.get(this.#select.value);
      if (chosen) onCorrect(chosen);
    });
    this.#name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#keep();
    });
    this.#load();
  }

  /** @param {Corrections} corrections */
  show(corrections) {
    this.#current = corrections;
  }

  async #load() {
    const { results } = await listMappings().catch(() => ({ results: [] }));
    this.#saved = new Map(results.map(({ name, corrections }) => [name, corrections]));
    const options = [...this.#saved.keys()].map((name) =>
      element("option", { value: name, text: name }),
    );
    this.#select.replaceChildren(
      element("option", { value: "", text: gettext("None") }),
      ...options,
    );
  }

  async #keep() {
    const name = this.#name.value.trim();
    if (!name) {
      this.#note.textContent = gettext("Write a name for the mapping.");
      this.#name.focus();
      return;
    }
    try {
      await saveMapping(name, this.#current);
      this.#note.textContent = gettext("Saved as %(name)s.", { name });
      await this.#load();
      this.#select.value = name;
    } catch (error) {
      this.#note.textContent = /** @type {Error} */ (error).message;
    }
  }
}
