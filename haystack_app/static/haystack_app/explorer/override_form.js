/**
 * The form that overrides a point: a value of its kind, for how long, and why.
 *
 * @module
 */

import { gettext, pgettext } from "../shared/i18n.js";
import { choice, element, labelled } from "../shared/elements.js";
import { EMERGENCY, MANUAL } from "./priority_array.js";
import { enumNames } from "../charts/track.js";
import { shownUnit } from "../shared/units.js";
import { numberText, textOf, withoutUnit } from "../shared/values.js";

/** @import { Hayson, Rec } from "../live.js" */

/** Hours by what the user reads; 0 is without an end. */
const DURATIONS = /** @type {const} */ ([
  [0.5, gettext("30 minutes")],
  [1, gettext("1 hour")],
  [2, gettext("2 hours")],
  [4, gettext("4 hours")],
  [8, gettext("8 hours")],
  [24, gettext("1 day")],
  [168, gettext("1 week")],
  [0, gettext("Until released")],
]);
const USUAL = 2;
const LONGEST_REASON = 200;

/** @typedef {{val: Hayson, level: number, duration: Hayson, reason: string}} Wish */

/**
 * @param {Rec} record A writable point.
 * @param {boolean} mayEmergency Whether level 1 can be chosen.
 * @param {(wish: Wish) => void} onSubmit
 * @returns {HTMLFormElement}
 */
export function overrideForm(record, mayEmergency, onSubmit) {
  const { field, read } = valueField(record);
  const duration = choice(
    "",
    DURATIONS.map(([hours, text]) => [String(hours), text]),
  );
  duration.value = String(USUAL);
  const level = choice("", [
    [String(MANUAL), gettext("8 (manual)")],
    [String(EMERGENCY), gettext("1 (emergency)")],
  ]);
  const isManual = () => Number(level.value) === MANUAL;
  level.addEventListener("change", () => {
    duration.disabled = !isManual(); // only level 8 can end by itself
  });
  const reason = element("input", {
    type: "text",
    maxlength: String(LONGEST_REASON),
    autocomplete: "off",
  });
  const form = element(
    "form",
    { class: "override" },
    labelled(gettext("Value"), field),
    ...(mayEmergency ? [labelled(gettext("Level"), level)] : []),
    labelled(pgettext("duration", "For"), duration),
    labelled(gettext("Reason"), reason),
    element("button", { class: "button", text: gettext("Override") }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const hours = isManual() ? Number(duration.value) : 0;
    onSubmit({
      val: read(),
      level: Number(level.value),
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
    const [off = gettext("Off"), on = gettext("On")] = names.length === 2 ? names : [];
    const select = choice("", [on, off]);
    select.value = record.curVal === true ? off : on;
    return { field: select, read: () => select.value === on };
  }
  if (names.length) {
    const select = choice("", names);
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
  const hint = `${unit} ${limitsText(least, greatest)}`.trimEnd();
  const shown = shownUnit(unit);
  const note =
    shown === unit
      ? []
      : [
          gettext("written in %(unit)s and shown in %(shown)s", {
            unit,
            shown,
          }),
        ];
  return {
    field: element(
      "span",
      { class: "with-unit" },
      input,
      element("span", { text: [hint, ...note].join(", ") }),
    ),
    read: () => {
      const val = input.valueAsNumber;
      return unit ? { _kind: "number", val, unit } : val;
    },
  };
}

/**
 * @param {number | undefined} least
 * @param {number | undefined} greatest
 */
function limitsText(least, greatest) {
  if (least === undefined)
    return greatest === undefined
      ? ""
      : gettext("to %(greatest)s", { greatest: numberText(greatest) });
  return greatest === undefined
    ? gettext("%(least)s and more", { least: numberText(least) })
    : gettext("%(least)s to %(greatest)s", {
        least: numberText(least),
        greatest: numberText(greatest),
      });
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
