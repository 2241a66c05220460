/**
 * The editor of a dashboard, in its own page: every change is made by buttons.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { gridOf } from "../live.js";
import {
  resized,
  withMovedSection,
  withMovedTile,
  withNewSection,
  withNewTile,
  withSection,
  withTile,
} from "./draft.js";
import { sectionTools, tileTools } from "./editor_tools.js";
import { SettingsForm } from "./settings_form.js";
import { askSection, askTile } from "./tile_form.js";

/** @import { Live } from "../live.js" */
/** @import { Content, Dashboard, Kind } from "./content.js" */
/** @import { Place } from "./draft.js" */
/** @import { Action } from "./editor_tools.js" */

/**
 * @typedef {object} Handlers
 * @property {Live["call"]} call
 * @property {() => string} range That is shown.
 * @property {(draft: Dashboard) => void} onChange
 * @property {(draft: Dashboard) => Promise<void>} onSave
 * @property {() => Promise<void>} onDelete
 */

/** @type {Partial<Record<Action, {width?: number, height?: number}>>} */
const SIZES = {
  narrower: { width: -1 },
  wider: { width: 1 },
  lower: { height: -1 },
  higher: { height: 1 },
};

export class Editor {
  /** @type {Dashboard | null} What is edited; null while nothing is. */
  draft = null;
  /** @type {Dashboard | null} */
  #saved = null;
  /** The button that gets the focus when the board was drawn. */
  #focus = "";

  /**
   * @param {HTMLElement} root
   * @param {HTMLButtonElement} toggle
   * @param {Handlers} handlers
   */
  constructor(root, toggle, handlers) {
    this.root = root;
    this.toggle = toggle;
    this.handlers = handlers;
    this.settings = new SettingsForm({
      range: handlers.range,
      onChange: (change) => this.#change(change),
      onSubject: (subject) => this.#setContent({ ...this.#content, subject }),
      onSave: () => this.#save(),
      onDiscard: () => this.#end(),
      onDelete: () => this.#delete(),
      onAddSection: () => this.#setContent(withNewSection(this.#content)),
    });
    toggle.addEventListener("click", () => (this.draft ? this.#end() : this.#begin()));
    addEventListener("beforeunload", (event) => {
      if (this.#isChanged()) event.preventDefault();
    });
  }

  /** @param {Dashboard} saved As the server has it. */
  take(saved) {
    const isFirst = !this.#saved;
    this.#saved = saved;
    if (this.draft) this.#end();
    if (isFirst && new URLSearchParams(location.search).has("edit")) this.#begin();
  }

  /** Put the buttons into the board, which was drawn. */
  decorate() {
    for (const one of document.querySelectorAll("#sections .tools.edit")) one.remove();
    if (!this.draft) return;
    const seen = new Set();
    for (const tile of document.querySelectorAll("#sections .tile")) {
      const place = /** @type {HTMLElement} */ (tile).dataset.place ?? "";
      if (seen.has(place)) continue; // of a template, the tiles of the first match
      seen.add(place);
      tile.append(tileTools(place, (action) => this.#onTile(placeOf(place), action)));
    }
    for (const [index, one] of document
      .querySelectorAll("#sections > section")
      .entries())
      one.append(
        sectionTools(
          index,
          (action) => this.#onSection(index, action),
          (kind) => this.#addTile(index, kind),
        ),
      );
    this.#restoreFocus();
  }

  #restoreFocus() {
    const wanted = this.#focus;
    this.#focus = "";
    if (!wanted) return;
    for (const button of document.querySelectorAll("button[data-button]"))
      if (button instanceof HTMLElement && button.dataset.button === wanted)
        return button.focus();
  }

  #begin() {
    if (!this.#saved) return;
    this.draft = structuredClone(this.#saved);
    document.body.classList.add("editing");
    this.toggle.setAttribute("aria-pressed", "true");
    this.root.hidden = false;
    this.root.replaceChildren(this.settings.root);
    this.settings.show(this.draft);
    this.decorate();
  }

  #end() {
    this.draft = null;
    document.body.classList.remove("editing");
    this.toggle.setAttribute("aria-pressed", "false");
    this.root.hidden = true;
    if (this.#saved) this.handlers.onChange(this.#saved);
    this.decorate();
  }

  #isChanged() {
    return this.draft && JSON.stringify(this.draft) !== JSON.stringify(this.#saved);
  }

  /** @returns {Content} */
  get #content() {
    return this.draft?.content ?? {};
  }

  /** @param {Partial<Dashboard>} change */
  #change(change) {
    if (!this.draft) return;
    this.draft = { ...this.draft, ...change };
    this.settings.say(this.#isChanged() ? gettext("Not saved yet.") : "");
    this.handlers.onChange(this.draft);
  }

  /**
   * @param {Content} content
   * @param {string} [focus]
   */
  #setContent(content, focus = "") {
    this.#focus = focus;
    this.#change({ content });
  }

  async #save() {
    if (!this.draft) return;
    try {
      await this.handlers.onSave(this.draft);
      this.toggle.focus();
    } catch (error) {
      this.settings.refuse(/** @type {Error} */ (error).message);
    }
  }

  async #delete() {
    const kept = this.draft;
    this.draft = null; // leaving the page asks about unsaved changes
    try {
      await this.handlers.onDelete();
    } catch (error) {
      this.draft = kept;
      this.settings.refuse(/** @type {Error} */ (error).message);
    }
  }

  // -- tiles and sections --------------------------------------------------------------

  /**
   * @param {Place} place
   * @param {Action} action
   */
  #onTile(place, action) {
    const name = `${place.section}.${place.tile} ${action}`;
    const size = SIZES[action];
    if (size)
      this.#setContent(
        withTile(this.#content, place, (tile) => resized(tile, size)),
        name,
      );
    else if (action === "edit") this.#askTile(place, name);
    else if (action === "remove")
      this.#setContent(
        withTile(this.#content, place, () => null),
        `${place.section} edit`,
      );
    else {
      const [content, to] = withMovedTile(
        this.#content,
        place,
        action === "later" ? 1 : -1,
      );
      this.#setContent(content, `${to.section}.${to.tile} ${action}`);
    }
  }

  /**
   * @param {number} index
   * @param {Action} action
   */
  #onSection(index, action) {
    const content = this.#content;
    if (action === "edit") this.#askSection(index);
    else if (action === "remove")
      this.#setContent(withSection(content, index, () => null));
    else {
      const by = action === "later" ? 1 : -1;
      this.#setContent(withMovedSection(content, index, by), `${index + by} ${action}`);
    }
  }

  /**
   * @param {number} index
   * @param {Kind} kind
   */
  async #addTile(index, kind) {
    const before = this.#content;
    const content = withNewTile(before, index, kind);
    const place = {
      section: index,
      tile: (content.sections?.[index]?.tiles?.length ?? 1) - 1,
    };
    this.#setContent(content, `${index} ${kind}`);
    if (!(await this.#askTile(place, `${index}.${place.tile} edit`)))
      this.#setContent(before, `${index} ${kind}`);
  }

  /**
   * @param {Place} place
   * @param {string} focus
   * @returns {Promise<boolean>} Whether the tile was described.
   */
  async #askTile(place, focus) {
    const tile = this.#content.sections?.[place.section]?.tiles?.[place.tile];
    const made = tile && (await askTile(tile, (filter) => this.#test(filter)));
    if (made)
      this.#setContent(
        withTile(this.#content, place, () => made),
        focus,
      );
    return Boolean(made);
  }

  /** @param {number} index */
  async #askSection(index) {
    const section = this.#content.sections?.[index];
    const made = section && (await askSection(section, (filter) => this.#test(filter)));
    if (made)
      this.#setContent(
        withSection(this.#content, index, () => made),
        `${index} edit`,
      );
  }

  /**
   * @param {string} filter
   * @returns {Promise<string>}
   */
  async #test(filter) {
    if (/\$(subject|each)\b/.test(filter)) return gettext("Tested when it is shown.");
    try {
      const { rows } = await this.handlers.call(
        "read",
        gridOf([{ filter, limit: 1000 }]),
      );
      const count = rows.length;
      if (count === 1000) return gettext("1000 or more matches.");
      return ngettext("%(count)s match.", "%(count)s matches.", count);
    } catch (error) {
      return /** @type {Error} */ (error).message;
    }
  }
}

/**
 * @param {string} name Such as `0.2`.
 * @returns {Place}
 */
function placeOf(name) {
  const [section = 0, tile = 0] = name.split(".").map(Number);
  return { section, tile };
}
