/**
 * The list with the form of a new entity, whose tags are those that its def proposes.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { byId, choice, element, labelled, textField } from "../shared/elements.js";
import { refInput } from "./ref_input.js";
import { readEntity } from "../shared/rest.js";
import { UNITS, tagInput } from "./tag_input.js";
import { nameOf, textOf } from "../shared/values.js";

/** @import { Dict, Hayson, Live, Rec } from "../live.js" */
/** @import { Kind, TagInput } from "./tag_input.js" */

/** Defs by what people read, and what contains them most often. */
const TYPES = /** @type {const} */ ([
  ["site", gettext("Site")],
  ["space", gettext("Space")],
  ["equip", gettext("Equipment")],
  ["point", gettext("Point")],
]);
const CONTAINERS = /** @type {const} */ (["site", "space", "equip"]);
const POINT_KINDS = ["Number", "Bool", "Str"];
const MARKER = /** @type {const} */ ({ _kind: "marker" });
const SHOWN = new Set(["siteRef", "spaceRef", "equipRef", "kind", "unit", "tz"]);

/**
 * A tag of the form; `read` gives nothing for an input that is left blank.
 *
 * @typedef {{field: HTMLElement, read: () => Dict | Promise<Dict>}} Field
 */

export class DefForm {
  #isOpen = false;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  /** @type {Rec | null} What the new entity is added to. */
  #parent = null;
  /** @type {Hayson} The time zone of its site. */
  #tz = null;
  /** @type {Field[]} */
  #fields = [];

  #panel = byId("add", HTMLElement);
  #note = byId("add-note", HTMLElement);
  #form = byId("add-form", HTMLFormElement);
  #problem = byId("add-problem", HTMLElement);
  #type = choice(gettext("Type"), [...TYPES]);
  #subtype = choice(gettext("Def"), []);
  #dis = textField(gettext("Name"), gettext("name"));
  #markers = textField(gettext("More markers"), gettext("such as discharge air temp"));
  #id = textField(gettext("Id"), gettext("random"));
  #tags = element("div", { class: "fields" });

  /**
   * @param {Live["call"]} call
   * @param {{onSelect: (id: string) => void, onDismiss: () => void}} handlers
   */
  constructor(call, { onSelect, onDismiss }) {
    this.call = call;
    this.onSelect = onSelect;
    byId("add-close", HTMLElement).addEventListener("click", onDismiss);
    this.#type.addEventListener("change", () => this.#choose(this.#type.value));
    this.#subtype.addEventListener("change", () => this.#fill(this.#subtype.value));
    this.#form.append(
      labelled(gettext("Type"), this.#type),
      labelled(gettext("Def"), this.#subtype),
      labelled(gettext("Name"), this.#dis),
      this.#tags,
      labelled(gettext("More markers"), this.#markers),
      labelled(gettext("Id"), this.#id),
      element("button", { class: "button", text: gettext("Add") }),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  /** @param {{ids: string[]}} view `ids` may have that of the parent. */
  async open({ ids: [parent] }) {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#panel.hidden = false;
    byId("add-name", HTMLElement).focus();
    const round = ++this.#round;
    const found = parent ? await readEntity(parent).catch(() => null) : null;
    const { val: site } = /** @type {{val?: string}} */ (found?.siteRef ?? {});
    const at = site ? await readEntity(site).catch(() => null) : found;
    if (round !== this.#round) return;
    this.#parent = found;
    this.#tz = at?.tz ?? null;
    this.#note.textContent = this.#parent
      ? gettext("In %(name)s", { name: nameOf(this.#parent) })
      : "";
    this.#type.value = this.#parent
      ? "equip" in this.#parent
        ? "point"
        : "equip"
      : "site";
    this.#choose(this.#type.value);
    this.#dis.focus();
  }

  close() {
    this.#isOpen = false;
    this.#round++;
    this.#panel.hidden = true;
    this.#form.reset();
    this.#problem.textContent = "";
    this.#tags.replaceChildren();
  }

  /** @param {string} def One of `TYPES`: offer its subtypes. */
  async #choose(def) {
    const answer = await this.#ask(def);
    if (!answer) return;
    const subtypes = /** @type {Hayson[]} */ (answer.meta.subtypes ?? []);
    const names = subtypes.map((one) => textOf(one).replace(/^\^/, "")).sort();
    const options = [def, ...names].map((one) =>
      element("option", { value: one, text: one }),
    );
    this.#subtype.replaceChildren(...options);
    this.#show(answer.rows);
  }

  /** @param {string} def */
  async #fill(def) {
    const answer = await this.#ask(def);
    if (answer) this.#show(answer.rows);
  }

  /** @param {string} def */
  async #ask(def) {
    const round = ++this.#round;
    try {
      const answer = await this.call("defTags", gridOf([{ def }]));
      return round === this.#round ? answer : null;
    } catch (error) {
      this.#say(error);
      return null;
    }
  }

  /** @param {Dict[]} rows */
  #show(rows) {
    const proposed = this.#proposed();
    const known = rows.filter(({ name }) => name !== "dis");
    const fields = known.map((row) => ({ row, ...fieldOf(row, proposed) }));
    this.#fields = fields;
    const isFirst = (/** @type {Dict} */ { name, required }) =>
      Boolean(required) || SHOWN.has(textOf(name));
    const more = fields.filter(({ row }) => !isFirst(row));
    this.#tags.replaceChildren(
      ...fields.filter(({ row }) => isFirst(row)).map(({ field }) => field),
      element(
        "details",
        {},
        element("summary", {
          text: ngettext("%(count)s more tag", "%(count)s more tags", more.length),
        }),
        ...more.map(({ field }) => field),
      ),
    );
  }

  /** Values that follow from the parent. @returns {Dict} */
  #proposed() {
    const parent = this.#parent;
    if (!parent) return {};
    /** @type {Dict} */
    const found = { tz: this.#tz };
    for (const name of CONTAINERS.map((one) => `${one}Ref`))
      if (name in parent) found[name] = parent[name] ?? null;
    for (const type of CONTAINERS)
      if (type in parent) found[`${type}Ref`] = refOf(parent.id.val);
    return found;
  }

  async #save() {
    this.#problem.textContent = "";
    try {
      /** @type {Dict} */
      const record = Object.assign(
        {},
        ...(await Promise.all(this.#fields.map((one) => one.read()))),
      );
      const dis = this.#dis.value.trim();
      const id = this.#id.value.trim().replace(/^@/, "");
      for (const marker of this.#markers.value.split(/[\s,]+/).filter(Boolean))
        record[marker] = MARKER;
      if (dis) record.dis = dis;
      if (id) record.id = refOf(id);
      const added = await this.call("commit", gridOf([record], { commit: "add" }));
      const [made] = /** @type {Rec[]} */ (added.rows);
      if (made) this.onSelect(made.id.val);
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {unknown} error */
  #say(error) {
    this.#problem.textContent = /** @type {Error} */ (error).message;
  }
}

/**
 * @param {Dict} row A proposed tag.
 * @param {Dict} proposed Values by tag.
 * @returns {Field}
 */
function fieldOf(row, proposed) {
  const name = textOf(row.name);
  const title = textOf(row.doc);
  const kind = textOf(row.kind);
  if (kind === "Marker") {
    const box = element("input", { type: "checkbox" });
    box.checked = Boolean(row.val);
    box.disabled = Boolean(row.val);
    const field = element(
      "label",
      { class: "check", title },
      box,
      element("span", { text: name }),
    );
    return { field, read: () => (box.checked ? { [name]: MARKER } : {}) };
  }
  const made = inputOf(row, name, kind, proposed[name] ?? null);
  const field = labelled(name, made.field);
  field.title = title;
  return { field, read: made.read };
}

/**
 * @param {Dict} row
 * @param {string} name
 * @param {string} kind
 * @param {Hayson} value
 * @returns {Field}
 */
function inputOf(row, name, kind, value) {
  const options = name === "kind" ? POINT_KINDS : symbolsOf(row.options);
  if (options.length) {
    const select = choice(name, name === "kind" ? options : ["", ...options]);
    const markers = () =>
      Object.fromEntries(select.value.split("-").map((one) => [one, MARKER]));
    const read = () => (name === "kind" ? { kind: select.value } : markers());
    return { field: select, read: () => (select.value ? read() : {}) };
  }
  const [of] = symbolsOf(row.of);
  if (kind === "Ref") {
    const id = /** @type {{val?: string} | null} */ (value)?.val ?? "";
    return optional(name, refInput(id, name, of || "id"));
  }
  const [unit] = /** @type {Hayson[]} */ (row.units ?? []);
  const start =
    kind === "Number" && unit ? { _kind: "number", val: null, unit } : value;
  const input = tagInput(
    /** @type {Kind} */ (kind),
    /** @type {Hayson} */ (start),
    name,
  );
  if (name === "unit") input.field.setAttribute("list", UNITS);
  return optional(name, input);
}

/**
 * @param {string} name
 * @param {TagInput} input
 * @returns {Field}
 */
function optional(name, { field, read }) {
  const selector = "input, select, textarea";
  const first = field.matches(selector) ? field : field.querySelector(selector);
  const isBlank = () => !(/** @type {HTMLInputElement} */ (first).value.trim());
  const readNamed = async () => {
    try {
      return { [name]: await read() };
    } catch (error) {
      throw new Error(`${name}: ${/** @type {Error} */ (error).message}`, {
        cause: error,
      });
    }
  };
  return { field, read: () => (first && isBlank() ? {} : readNamed()) };
}

/** @param {Hayson | undefined} value A Symbol, or a list of them. */
const symbolsOf = (value) =>
  (Array.isArray(value) ? value : value ? [value] : []).map((one) =>
    textOf(one).replace(/^\^/, ""),
  );
