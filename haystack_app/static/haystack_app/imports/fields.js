/**
 * The corrections that hold for the whole file, as fields of a form.
 *
 * @module
 */

import { gettext, ngettext, pgettext } from "../shared/i18n.js";
import { byId, choice, element, textField } from "../shared/elements.js";

/** @import { Corrections, Found } from "./api.js" */

/**
 * @typedef {object} Field
 * @property {string} name Of the correction.
 * @property {string} label
 * @property {HTMLInputElement | HTMLSelectElement} input
 * @property {(value: any) => void} show
 * @property {() => any} read null for none.
 * @property {"history" | "entities" | ""} [kind] Of files that it is for.
 * @property {boolean} [isMore] Whether it is among those that few files need.
 */

/**
 * @param {string} name
 * @param {string} label
 * @param {[string, string][]} options
 * @param {Partial<Field>} [more]
 * @returns {Field}
 */
function select(name, label, options, more = {}) {
  const input = choice("", options);
  return {
    name,
    label,
    input,
    show: (value) => (input.value = value ?? ""),
    read: () => input.value || null,
    ...more,
  };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {Partial<Field> & {list?: string, many?: string, type?: string, placeholder?: string}} [more] `many`
 *   is what joins several texts.
 * @returns {Field}
 */
function text(name, label, { list, many, type, placeholder, ...more } = {}) {
  const input = textField("", placeholder);
  input.removeAttribute("aria-label");
  if (list) input.setAttribute("list", list);
  if (type) input.type = type;
  const split = () =>
    input.value
      .split(many ?? "")
      .map((one) => one.trim())
      .filter(Boolean);
  return {
    name,
    label,
    input,
    show: (value) =>
      (input.value = many ? (value ?? []).join(`${many} `) : (value ?? "")),
    read: () => {
      if (!input.value.trim()) return null;
      if (type === "number") return Number(input.value);
      return many ? split() : input.value.trim();
    },
    ...more,
  };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {Partial<Field>} [more]
 * @returns {Field}
 */
function check(name, label, more = {}) {
  const input = element("input", { type: "checkbox" });
  return {
    name,
    label,
    input,
    show: (value) => (input.checked = value === true),
    read: () => input.checked || null,
    ...more,
  };
}

const GUESS = /** @type {[string, string]} */ (["", gettext("As found")]);
/** @type {Partial<Field>} */
const MORE = { isMore: true };
/** @type {Partial<Field>} */
const OF_SAMPLES = { isMore: true, kind: "history" };

/** @type {Field[]} */
const FIELDS = [
  select("kind", gettext("The file has"), [
    GUESS,
    ["history", gettext("samples")],
    [gettext("entities"), gettext("entities")],
  ]),
  text("tz", gettext("Time zone"), {
    list: "zones",
    kind: "history",
    placeholder: gettext("that of each point"),
  }),
  select("dates", gettext("Order of dates"), [
    GUESS,
    ["dmy", gettext("day, month, year")],
    ["mdy", gettext("month, day, year")],
    ["ymd", gettext("year, month, day")],
  ]),
  select("decimal", gettext("Decimal sign"), [
    GUESS,
    ["point", pgettext("decimal sign", "point")],
    ["comma", gettext("comma")],
  ]),
  check("create", gettext("Make missing points"), { kind: "history" }),
  text("site", gettext("Their site"), { list: "places", kind: "history" }),
  text("equip", gettext("Their equip"), { list: "places", kind: "history" }),
  select(
    "delimiter",
    gettext("Cells are separated by"),
    [
      GUESS,
      ["comma", gettext("commas")],
      ["semicolon", gettext("semicolons")],
      ["tab", gettext("tabs")],
      ["pipe", gettext("pipes")],
    ],
    MORE,
  ),
  text("sheets", gettext("Sheets"), { many: ";", ...MORE }),
  text("time", gettext("Column of times"), { many: ";", ...OF_SAMPLES }),
  text("year", gettext("Year of times without one"), { type: "number", ...OF_SAMPLES }),
  text("point", gettext("Point of a table of one point"), {
    list: "found-points",
    ...OF_SAMPLES,
  }),
  select(
    "dst",
    gettext("Times that occur twice"),
    [GUESS, ["first", gettext("are the first")], ["second", gettext("are the second")]],
    OF_SAMPLES,
  ),
  select(
    "stamps",
    gettext("Values are"),
    [
      ["", gettext("values at a time")],
      ["end", gettext("amounts until a time")],
      ["start", gettext("amounts from a time on")],
    ],
    OF_SAMPLES,
  ),
  select(
    "status",
    gettext("Samples with a bad status are"),
    [
      ["", gettext("left out")],
      ["na", gettext("stored as NA")],
      ["keep", gettext("stored as they are")],
    ],
    OF_SAMPLES,
  ),
  text("noValue", gettext("Words for no value"), { many: ",", ...MORE }),
  check("convert", gettext("Convert units"), OF_SAMPLES),
];

/** Of the problem of a column that no point was found for. */
const ASKS_FOR_POINT = "map it with `mapping`";
/** What a problem names that is not one of the fields. */
const ELSEWHERE = /** @type {Record<string, string>} */ ({
  mapping: gettext("its point below"),
  ignore: gettext("“Leave out”"),
  skipBad: gettext("“Leave them out”"),
});

/**
 * The problem without what the columns say themselves.
 *
 * @param {Found} found
 */
function openProblem({ problem, tables }) {
  const all = tables.flatMap((one) => [...(one.columns ?? []), ...(one.names ?? [])]);
  const open = all.filter(
    ({ problem: own }) => own?.includes(ASKS_FOR_POINT) && problem.includes(own),
  );
  let rest = problem;
  for (const one of open) rest = rest.replace(one.problem ?? "", "");
  rest = rest.replace(/^[;\s]+|[;\s]+$/g, "").replace(/(; )+/g, "; ");
  if (!open.length) return problem;
  const what = ngettext(
    "%(count)s column is not a point yet: search for its point below, or leave it out.",
    "%(count)s columns are not points yet: search for their points below, or leave them out.",
    open.length,
  );
  return rest ? `${what}\n${rest}` : what;
}

/**
 * A text with the labels of the corrections that it names.
 *
 * @param {string} said
 */
export const withLabels = (said) =>
  said.replace(/`([A-Za-z]+)`/g, (_, name) => {
    const field = FIELDS.find((one) => one.name === name);
    return field ? `“${field.label}”` : (ELSEWHERE[name] ?? name);
  });

export class Fields {
  #main = byId("fields", HTMLElement);
  #more = byId("more-fields", HTMLElement);
  #box = byId("more-fields-box", HTMLDetailsElement);
  #problem = byId("problem", HTMLElement);

  /** @param {(corrections: Corrections) => void} onCorrect */
  constructor(onCorrect) {
    for (const field of FIELDS) {
      const box = element("div", { data: { field: field.name } });
      const id = `field-${field.name}`;
      field.input.id = id;
      const label = element("label", { for: id, text: field.label });
      if (field.input.type === "checkbox") box.append(field.input, label);
      else box.append(label, field.input);
      field.input.addEventListener("change", () =>
        onCorrect({ [field.name]: field.read() }),
      );
      (field.isMore ? this.#more : this.#main).append(box);
    }
  }

  /**
   * @param {Found} found
   * @param {Corrections} corrections
   */
  show(found, corrections) {
    const { kind } = found;
    this.#showGuesses(found);
    for (const field of FIELDS) {
      const box = field.input.parentElement;
      const isCorrected = field.name in corrections;
      if (box)
        box.hidden = Boolean(field.kind && kind && field.kind !== kind) && !isCorrected;
      if (document.activeElement !== field.input || field.input.type === "checkbox")
        field.show(corrections[field.name]);
    }
    const isMade = corrections.create === true;
    for (const name of ["site", "equip"]) {
      const box = this.#main.querySelector(`[data-field=${name}]`);
      if (box instanceof HTMLElement) box.hidden ||= !isMade;
    }
    if (FIELDS.some((one) => one.isMore && one.name in corrections))
      this.#box.open = true;
    this.#explain(openProblem(found));
  }

  /**
   * Say what "As found" is.
   *
   * @param {Found} found
   */
  #showGuesses({ kind, tables: [table] }) {
    const columns = [...(table?.columns ?? []), ...(table?.names ?? [])];
    const guesses = /** @type {Record<string, string | null | undefined>} */ ({
      kind,
      dates: table?.times?.order,
      decimal: columns.find(({ decimal }) => decimal)?.decimal,
      delimiter: table?.delimiter,
    });
    for (const { name, input } of FIELDS) {
      const first = input instanceof HTMLSelectElement ? input.options[0] : null;
      if (!first || !(name in guesses)) continue;
      const options = /** @type {HTMLSelectElement} */ (input).options;
      const guessed = [...options].find(
        ({ value }) => value && value === guesses[name],
      );
      first.text = guessed
        ? gettext("As found: %(value)s", { value: guessed.text })
        : GUESS[1];
    }
  }

  /**
   * The problem, with a button for each field that it names.
   *
   * @param {string} problem
   */
  #explain(problem) {
    const parts = problem.split(/`([A-Za-z]+)`/).map((part, at) => {
      if (at % 2 === 0) return document.createTextNode(part);
      const field = FIELDS.find(({ name }) => name === part);
      if (!field) return document.createTextNode(ELSEWHERE[part] ?? part);
      const click = () => this.#focus(field);
      return element("button", {
        type: "button",
        class: "link",
        text: field.label,
        click,
      });
    });
    this.#problem.replaceChildren(...parts);
  }

  /** @param {Field} field */
  #focus(field) {
    if (field.isMore) this.#box.open = true;
    const box = field.input.parentElement;
    if (box) box.hidden = false;
    field.input.focus();
  }
}
