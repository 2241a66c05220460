/**
 * Part of the panel of one record: copy it or move it, with all that it contains.
 *
 * @module
 */

import { gettext, ngettext } from "../shared/i18n.js";
import { gridOf, refOf } from "../live.js";
import { byId, element, labelled, textField } from "../shared/elements.js";
import { refInput } from "./ref_input.js";
import { differences, nameOf, numberOf } from "../shared/values.js";

/** @import { Dict, Live, Rec } from "../live.js" */
/** @import { Rights } from "./rights.js" */

const CONTAINERS = /** @type {const} */ (["site", "space", "equip"]);
const MARKER = /** @type {const} */ ({ _kind: "marker" });
const NAMED = 10;

/**
 * What is stored, or with `isDry` would be: null once it is.
 *
 * @typedef {(isDry: boolean) => Promise<{count: number, text: string, lines: string[]}
 *   | null>} Run
 */

export class TreeForm {
  /** @type {Rec | null} */
  #record = null;

  #add = byId("add-here", HTMLButtonElement);
  #copy = byId("copy", HTMLButtonElement);
  #move = byId("move", HTMLButtonElement);
  #form = byId("tree-form", HTMLFormElement);
  #result = byId("tree-result", HTMLElement);

  /**
   * @param {Live["call"]} call
   * @param {Rights} may
   * @param {{onAdd: (id: string) => void, onCopied: (id: string) => void}} handlers
   */
  constructor(call, may, { onAdd, onCopied }) {
    this.call = call;
    this.may = may;
    this.onCopied = onCopied;
    this.#add.addEventListener("click", () => this.#record && onAdd(this.#id()));
    this.#copy.addEventListener("click", () => this.#openCopy());
    this.#move.addEventListener("click", () => this.#openMove());
    // what is shown is what the button stores
    this.#form.addEventListener("input", () => this.#result.replaceChildren());
  }

  /** @param {Rec} record The record of the panel, whenever it changes. */
  update(record) {
    this.#record = record;
    const contains = CONTAINERS.some((one) => one in record);
    const isPart = contains || "point" in record;
    this.#add.hidden = !contains || !this.may.has("change_entity");
    this.#copy.hidden = !isPart || !this.may.has("add_entity");
    this.#move.hidden = !isPart || "site" in record || !this.may.has("change_entity");
  }

  clear() {
    this.#record = null;
    for (const button of [this.#add, this.#copy, this.#move]) button.hidden = true;
    this.#form.hidden = true;
    this.#form.replaceChildren();
    this.#result.replaceChildren();
  }

  #id() {
    return this.#record?.id.val ?? "";
  }

  #openCopy() {
    const record = this.#record;
    if (!record) return;
    const dis = textField(gettext("Name of the copy"));
    dis.value = gettext("%(name)s copy", { name: nameOf(record) });
    const id = textField(gettext("Id of the copy"), gettext("random"));
    this.#open(
      [labelled(gettext("Name of the copy"), dis), labelled(gettext("Id"), id)],
      (isDry) => {
        const newId = id.value.trim().replace(/^@/, "");
        /** @type {Dict} */
        const meta = { id: refOf(this.#id()) };
        if (dis.value.trim()) meta.dis = dis.value.trim();
        if (newId) meta.newId = refOf(newId);
        if (isDry) meta.dryRun = MARKER;
        return this.#runCopy(gridOf([], meta), isDry);
      },
    );
    dis.select();
  }

  /**
   * @param {ReturnType<typeof gridOf>} request
   * @param {boolean} isDry
   */
  async #runCopy(request, isDry) {
    const { rows, meta } = await this.call("copyTree", request);
    const records = /** @type {Rec[]} */ (rows);
    if (!isDry) {
      const [first] = records;
      if (first) this.onCopied(first.id.val);
      return null;
    }
    const lines = records.map((one) => `${nameOf(one)} (@${one.id.val})`);
    const count = numberOf(meta.count);
    const text = ngettext("Copy %(count)s entity", "Copy %(count)s entities", count);
    return { count, text, lines };
  }

  #openMove() {
    const record = this.#record;
    if (!record) return;
    const inputs = CONTAINERS.map((type) => {
      const name = `${type}Ref`;
      const held = /** @type {{val?: string} | undefined} */ (record[name])?.val ?? "";
      return { name, held, ...refInput(held, name, type) };
    });
    const fields = inputs.map(({ name, field }) => labelled(name, field));
    this.#open(fields, async (isDry) => {
      /** @type {Dict} */
      const row = {};
      for (const { name, held, field, read } of inputs) {
        const text = field.querySelector("input")?.value.trim();
        if (text) row[name] = read();
        else if (held) row[name] = { _kind: "remove" };
      }
      const meta = { id: refOf(this.#id()), ...(isDry ? { dryRun: MARKER } : {}) };
      const answer = await this.call("moveTree", gridOf([row], meta));
      const count = numberOf(answer.meta.count);
      if (!isDry) {
        this.#form.hidden = true;
        this.#result.replaceChildren(
          element("p", {
            role: "status",
            text: ngettext(
              "%(count)s entity moved.",
              "%(count)s entities moved.",
              count,
            ),
          }),
        );
        return null;
      }
      const lines = answer.rows.map((one) => {
        const [was, is] = /** @type {Dict[]} */ ([one.before ?? {}, one.after ?? {}]);
        const changes = differences(was ?? {}, is ?? {}).join(", ");
        return `${nameOf(/** @type {Rec} */ (one))}: ${changes}`;
      });
      const text = ngettext("Move %(count)s entity", "Move %(count)s entities", count);
      return { count, text, lines };
    });
  }

  /**
   * @param {HTMLElement[]} fields
   * @param {Run} run
   */
  #open(fields, run) {
    this.#result.replaceChildren();
    const cancel = () => {
      this.#form.hidden = true;
      this.#result.replaceChildren();
    };
    this.#form.hidden = false;
    this.#form.replaceChildren(
      ...fields,
      element("button", { class: "button", text: gettext("Preview") }),
      element("button", { type: "button", text: gettext("Cancel"), click: cancel }),
    );
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#preview(run);
    };
    this.#form.querySelector("input")?.focus();
  }

  /** @param {Run} run */
  async #preview(run) {
    const id = this.#id();
    try {
      const found = await run(true);
      if (!found || id !== this.#id()) return;
      const { count, lines } = found;
      const more = count - Math.min(lines.length, NAMED);
      const shown = lines.slice(0, NAMED).map((text) => element("li", { text }));
      if (more > 0)
        shown.push(
          element("li", {
            text: gettext("and %(count)s more", { count: more }),
          }),
        );
      const click = () => run(false).catch((error) => this.#say(error));
      const { text } = found;
      this.#result.replaceChildren(
        count
          ? element("button", { type: "button", class: "button", text, click })
          : element("p", { text: gettext("Nothing would change.") }),
        element("ul", {}, ...shown),
      );
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {unknown} error */
  #say(error) {
    const text = /** @type {Error} */ (error).message;
    this.#result.replaceChildren(element("p", { role: "alert", text }));
  }
}
