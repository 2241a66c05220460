/**
 * Part of the panel of one record: its tags, each with an editor, and new ones.
 *
 * The tags show what the watch sends. A change names the `mod` of the record that the
 * editor was opened for, so that it does not undo what someone else has changed.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, choice, element, textField } from "../shared/elements.js";
import { CHANGED, RequestError, changeEntity, readEntity } from "../shared/rest.js";
import { KINDS, kindOf, tagInput } from "./tag_input.js";
import { textOf } from "../shared/values.js";

/** @import { Hayson, Rec } from "../live.js" */
/** @import { Kind, TagInput } from "./tag_input.js" */

/** Tags that the server sets. @type {Set<string>} */
const OWN = new Set([
  "id",
  "mod",
  ...JSON.parse(byId("haystack-transient", HTMLScriptElement).text),
]);
const NAME = /^[a-z][A-Za-z0-9_]*$/;

export class TagEditor {
  /** @type {Rec | null} The record as it is now. */
  #record = null;
  #isOn = false;

  #toggle = byId("edit-tags", HTMLButtonElement);
  #form = byId("tag-form", HTMLFormElement);
  #problem = byId("tag-problem", HTMLElement);

  /**
   * @param {boolean} mayChange
   * @param {() => void} onToggle The buttons of the tags are to be shown or hidden.
   */
  constructor(mayChange, onToggle) {
    this.mayChange = mayChange;
    this.#toggle.addEventListener("click", () => {
      this.#setOn(!this.#isOn);
      onToggle();
      if (this.#isOn) this.#openNew();
    });
  }

  /** @param {Rec} record The record of the panel, whenever it changes. */
  update(record) {
    this.#record = record;
    this.#toggle.hidden = !this.mayChange;
  }

  clear() {
    this.#record = null;
    this.#toggle.hidden = true;
    this.#setOn(false);
  }

  /**
   * @param {string} name Of a tag.
   * @returns {HTMLElement[]} The buttons to edit it; none if it cannot be edited.
   */
  buttons(name) {
    if (!this.#isOn || OWN.has(name)) return [];
    const edit = () => this.#open(name);
    const remove = () => this.#save(name, null, this.#record);
    return [
      element("button", {
        type: "button",
        text: gettext("Edit"),
        "aria-label": gettext("Edit %(name)s", { name }),
        click: edit,
      }),
      element("button", {
        type: "button",
        text: "✕",
        "aria-label": gettext("Remove %(name)s", { name }),
        click: remove,
      }),
    ];
  }

  /** @param {boolean} isOn */
  #setOn(isOn) {
    this.#isOn = isOn;
    this.#toggle.setAttribute("aria-pressed", String(isOn));
    this.#toggle.textContent = isOn ? gettext("Done") : gettext("Edit tags");
    this.#close();
  }

  #close() {
    this.#form.hidden = true;
    this.#form.replaceChildren();
    this.#problem.replaceChildren();
  }

  /** @param {string} name A tag that the record has. */
  #open(name) {
    const record = this.#record;
    if (!record) return;
    this.#close();
    const value = record[name] ?? null;
    const input = tagInput(kindOf(value), value, name);
    const head = element("span", { class: "name", text: name });
    this.#fill(head, input.field, async () =>
      this.#save(name, await input.read(), record),
    );
    focusIn(input.field);
  }

  /** The form of a new tag: its name, its kind and its value. */
  #openNew() {
    this.#close();
    const name = textField(gettext("Name of a new tag"), gettext("new tag"));
    const kind = choice(gettext("Kind"), [...KINDS]);
    const place = element("span", { class: "value" });
    /** @type {TagInput} */
    let input = tagInput("Marker", null, gettext("Value"));
    const choose = () => {
      input = tagInput(/** @type {Kind} */ (kind.value), null, gettext("Value"));
      place.replaceChildren(input.field);
    };
    kind.addEventListener("change", choose);
    choose();
    const head = element("span", { class: "with-unit" }, name, kind);
    this.#fill(head, place, async () => {
      const text = name.value.trim();
      if (!NAME.test(text))
        throw new Error(
          text
            ? gettext("%(name)s is not a tag name: write it as siteRef", {
                name: text,
              })
            : gettext("an empty name is not a tag name: write it as siteRef"),
        );
      if (OWN.has(text))
        throw new Error(gettext("the server sets %(name)s", { name: text }));
      const record = this.#record;
      await this.#save(text, await input.read(), record);
    });
  }

  /**
   * @param {HTMLElement} head
   * @param {HTMLElement} field
   * @param {() => Promise<void>} save Rejects with an Error for a value that is invalid.
   */
  #fill(head, field, save) {
    this.#form.hidden = false;
    const cancel = () => this.#openNew();
    this.#form.replaceChildren(
      head,
      field,
      element("button", { class: "button", text: gettext("Save") }),
      element("button", { type: "button", text: gettext("Cancel"), click: cancel }),
    );
    this.#form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        this.#problem.replaceChildren();
        await save();
      } catch (error) {
        this.#say(/** @type {Error} */ (error).message);
      }
    };
  }

  /**
   * @param {string} name
   * @param {Hayson} value null removes the tag.
   * @param {Rec | null} read The record as the user saw it.
   */
  async #save(name, value, read) {
    if (!read) return;
    this.#problem.replaceChildren();
    try {
      await changeEntity(read, { [name]: value });
      if (this.#record?.id.val === read.id.val && this.#isOn) this.#openNew();
    } catch (error) {
      if (this.#record?.id.val !== read.id.val) return;
      const isOld = error instanceof RequestError && error.status === CHANGED;
      if (isOld) this.#offer(name, value, read);
      else this.#say(/** @type {Error} */ (error).message);
    }
  }

  /**
   * Show what someone else has stored meanwhile beside the own value.
   *
   * @param {string} name
   * @param {Hayson} value
   * @param {Rec} read
   */
  async #offer(name, value, read) {
    const stored = await readEntity(read.id.val).catch(() => null);
    if (!stored || this.#record?.id.val !== read.id.val) return;
    if (JSON.stringify(stored[name]) === JSON.stringify(read[name])) {
      this.#save(name, value, stored); // another tag was changed
      return;
    }
    const shown = (/** @type {Hayson | undefined} */ one) =>
      textOf(one) || gettext("no value");
    const mine = () => this.#save(name, value, stored);
    const theirs = () => this.#openNew();
    this.#problem.replaceChildren(
      element("span", {
        text: `${gettext("%(name)s was changed meanwhile. Stored: %(stored)s. Yours: %(own)s.", { name, stored: shown(stored[name]), own: shown(value) })} `,
      }),
      element("button", { type: "button", text: gettext("Save mine"), click: mine }),
      element("button", {
        type: "button",
        text: gettext("Keep stored"),
        click: theirs,
      }),
    );
  }

  /** @param {string} text */
  #say(text) {
    this.#problem.textContent = text;
  }
}

/** @param {HTMLElement} field */
function focusIn(field) {
  const first = field.matches("input, select, textarea")
    ? field
    : field.querySelector("input");
  if (first instanceof HTMLElement) first.focus();
}
