/**
 * The form that overrides a point: a value of its kind, for how long, and why.
 *
 * @module
 */

import { element } from "./elements.js";
import { enumNames } from "./track.js";
import { numberText, textOf, withoutUnit } from "./values.js";

/** @import { Hayson, Rec } from "../live.js" */

/** Hours by what the user reads; 0 is without an end. */
const DURATIONS = /** @type {const} */ ([
  [0.5, "30 minutes"],
  [1, "1 hour"],
  [2, "2 hours"],
  [4, "4 hours"],
  [8, "8 hours"],
  [24, "1 day"],
  [168, "1 week"],
  [0, "Until released"],
]);
const USUAL = 2;
const LONGEST_REASON = 200;

/** @typedef {{val: Hayson, duration: Hayson, reason: string}} Wish */

/**
 * @param {Rec} record A writable point.
 * @param {(wish: Wish) => void} onSubmit
 * @returns {HTMLFormElement}
 */
export function overrideForm(record, onSubmit) {
  const { field, read } = valueField(record);
  const duration = element(
    "select",
    {},
    ...DURATIONS.map(([hours, text]) =>
      element("option", { value: String(hours), text }),
    ),
  );
  duration.value = String(USUAL);
  const reason = element("input", {
    type: "text",
    maxlength: String(LONGEST_REASON),
    autocomplete: "off",
  });
  const form = element(
    "form",
    { class: "override" },
    labelled("Value", field),
    labelled("For", duration),
    labelled("Reason", reason),
    element("button", { class: "button", text: "Override" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const hours = Number(duration.value);
    onSubmit({
      val: read(),
      duration: hours ? { _kind: "number", val: hours, unit: "hr" } : null,
      reason: reason.value.trim(),
    });
  });
  return form;
}

/**
 * @param {Rec} record
 * @returns {{field: HTMLElement, read: () => Hayson}}
 */
function valueField(record) {
  const names = enumNames(record.enum);
  if (record.kind === "Number") return numberField(record);
  if (record.kind === "Bool") {
    const [off = "Off", on = "On"] = names.length === 2 ? names : [];
    const select = choice([on, off]);
    select.value = record.curVal === true ? off : on;
    return { field: select, read: () => select.value === on };
  }
  if (names.length) {
    const select = choice(names);
    if (names.includes(textOf(record.curVal))) select.value = textOf(record.curVal);
    return { field: select, read: () => select.value };
  }
  const input = element("input", { type: "text", required: "", autocomplete: "off" });
  return { field: input, read: () => input.value };
}

/**
 * @param {Rec} record
 * @returns {{field: HTMLElement, read: () => Hayson}}
 */
function numberField(record) {
  const unit = record.unit == null ? "" : textOf(record.unit);
  const input = element("input", {
    type: "number",
    step: "any",
    required: "",
    inputmode: "decimal",
  });
  const limits = [limitOf(record.minVal, unit), limitOf(record.maxVal, unit)];
  const [least, greatest] = limits;
  if (least !== undefined) input.min = String(least);
  if (greatest !== undefined) input.max = String(greatest);
  const texts = limits.map((limit) => (limit === undefined ? "" : numberText(limit)));
  const hint =
    least === undefined && greatest === undefined
      ? unit
      : `${unit} ${texts.join(" to ")}`.replace(/ to $/, " and more");
  return {
    field: element(
      "span",
      { class: "with-unit" },
      input,
      element("span", { text: hint }),
    ),
    read: () => {
      const val = input.valueAsNumber;
      return unit ? { _kind: "number", val, unit } : val;
    },
  };
}

/**
 * @param {Hayson | undefined} limit The tag `minVal` or `maxVal`.
 * @param {string} unit Of the point; a limit in another unit limits nothing.
 */
function limitOf(limit, unit) {
  const number = withoutUnit(limit);
  if (typeof number !== "number") return undefined;
  const own = typeof limit === "object" && limit && "unit" in limit ? limit.unit : unit;
  return own === unit ? number : undefined;
}

/** @param {string[]} names */
const choice = (names) =>
  element(
    "select",
    {},
    ...names.map((text) => element("option", { value: text, text })),
  );

/**
 * @param {string} text
 * @param {HTMLElement} field
 */
const labelled = (text, field) =>
  element("label", {}, element("span", { text }), field);
