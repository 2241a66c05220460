/**
 * Title, subject and sharing of the dashboard that is edited.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element, textField } from "../shared/elements.js";

/** @import { Dashboard } from "./content.js" */

/**
 * @typedef {object} Handlers
 * @property {() => string} range That is shown.
 * @property {(change: Partial<Dashboard>) => void} onChange
 * @property {(filter: string) => void} onSubject
 * @property {() => void} onSave
 * @property {() => void} onDiscard
 * @property {() => void} onDelete
 * @property {() => void} onAddSection
 */

export class SettingsForm {
  #title = textField(gettext("Title"));
  #subject = textField(gettext("Subject"), "site");
  #everyone = element("input", { type: "checkbox" });
  #groups = element("span", { class: "groups" });
  #note = element("p", { class: "note", role: "status" });
  #problem = element("p", { role: "alert" });
  #delete = element("button", { type: "button", text: gettext("Delete") });
  /** Whether the next click deletes. */
  #isAsked = false;
  /** @type {Dashboard | null} */
  #draft = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    for (const input of [this.#title, this.#subject])
      input.removeAttribute("aria-label");
    const { onChange } = handlers;
    this.#title.addEventListener("change", () =>
      onChange({ title: this.#title.value.trim() }),
    );
    this.#subject.addEventListener("change", () =>
      handlers.onSubject(this.#subject.value.trim()),
    );
    this.#everyone.addEventListener("change", () =>
      onChange({ everyone: this.#everyone.checked }),
    );
    this.#delete.addEventListener("click", () => this.#askDelete());
    this.root = element("div", { class: "card" }, this.#fields(), this.#buttons());
  }

  /** @param {Dashboard} draft */
  show(draft) {
    this.#draft = draft;
    this.#title.value = draft.title;
    this.#subject.value = draft.content.subject ?? "";
    this.#everyone.checked = draft.everyone;
    this.#groups.replaceChildren(...groupNames().map((name) => this.#group(name)));
    this.#delete.textContent = gettext("Delete");
    this.#isAsked = false;
    this.say("");
  }

  /** @param {string} text */
  say(text) {
    this.#note.textContent = text;
    this.#problem.textContent = "";
  }

  /** @param {string} reason */
  refuse(reason) {
    this.#problem.textContent = reason;
  }

  #fields() {
    const label = (/** @type {string} */ text, /** @type {HTMLElement} */ control) =>
      element("label", {}, element("span", { text }), control);
    return element(
      "div",
      { class: "settings" },
      label(gettext("Title"), this.#title),
      label(gettext("$subject is one of (a filter, optional)"), this.#subject),
      element(
        "fieldset",
        {},
        element("legend", { text: gettext("Who may open it, besides its owner") }),
        element(
          "label",
          {},
          this.#everyone,
          element("span", { text: gettext("everyone") }),
        ),
        this.#groups,
      ),
    );
  }

  #buttons() {
    const { handlers } = this;
    const on = (
      /** @type {string} */ text,
      /** @type {() => void} */ click,
      /** @type {Record<string, string>} */ more = {},
    ) => element("button", { type: "button", text, click, ...more });
    return element(
      "div",
      { class: "buttons" },
      on(gettext("Save"), handlers.onSave, { class: "button" }),
      on(gettext("Discard changes"), handlers.onDiscard),
      on(gettext("Add section"), handlers.onAddSection),
      on(gettext("Open with this range"), () =>
        handlers.onChange({ range: handlers.range() }),
      ),
      this.#delete,
      this.#note,
      this.#problem,
    );
  }

  /** @param {string} name */
  #group(name) {
    const box = element("input", { type: "checkbox" });
    box.checked = this.#draft?.groups.includes(name) ?? false;
    box.addEventListener("change", () => {
      const boxes = [...this.#groups.querySelectorAll("input")];
      const groups = groupNames().filter((_, index) => boxes[index]?.checked);
      this.handlers.onChange({ groups });
    });
    return element("label", {}, box, element("span", { text: name }));
  }

  /** The first click asks, the second one deletes. */
  #askDelete() {
    if (this.#isAsked) this.handlers.onDelete();
    this.#isAsked = true;
    this.#delete.textContent = gettext("Delete it for everyone");
  }
}

/** @returns {string[]} Groups that the user may know of. */
function groupNames() {
  const script = document.getElementById("haystack-groups");
  return JSON.parse(script?.textContent ?? "[]");
}
