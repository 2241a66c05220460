/**
 * The rules of alarms: a list with switches, and a form with a dry run.
 *
 * @module
 */

import { gettext, language, ngettext, pgettext } from "../shared/i18n.js";
import { byId, element, setText } from "../shared/elements.js";
import { changeRule, makeRule, readRules, tryRule } from "./requests.js";

/** @import { DryRun, Rule } from "./requests.js" */

/** Fields of the form whose numbers are minutes, and seconds in the API. */
const MINUTES = ["windowSeconds", "delaySeconds"];
const NUMBERS = ["tolerance", "hysteresis", "severity"];
const HOURS = new Intl.NumberFormat(language, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
/** @type {Record<string, string>} Short, for a line. */
const MEASURES = {
  last: pgettext("measure", "last"),
  avg: pgettext("measure", "avg"),
  min: pgettext("measure", "min"),
  max: pgettext("measure", "max"),
  share: pgettext("measure", "share"),
  age: pgettext("measure", "age"),
};
/** @type {Record<string, string>} */
const OPS = { outside: pgettext("comparison", "outside") };
/** A local time in the form. */
const UNTIL = "maintenanceUntil";

export class Rules {
  /** @type {number | null} The rule that is changed; null for a new one. */
  #id = null;

  /** Of new rules; the form has that of a rule that is changed. */
  #storage = "";

  constructor() {
    this.body = byId("rule-rows", HTMLTableSectionElement);
    this.form = byId("rule-form", HTMLFormElement);
    this.title = byId("rule-title", HTMLElement);
    this.problem = byId("rule-problem", HTMLElement);
    this.result = byId("dry-run", HTMLElement);
    this.#storage = this.#storageField.value;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.form.addEventListener("reset", () => this.#change(null));
    byId("rule-try", HTMLButtonElement).addEventListener("click", () => this.#dryRun());
    const frame = byId("rules", HTMLDetailsElement);
    frame.addEventListener("toggle", () => frame.open && this.#read());
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    setText(this.problem, "");
    try {
      await work();
    } catch (error) {
      setText(this.problem, /** @type {Error} */ (error).message);
    }
  }

  #read() {
    return this.#try(async () => {
      const { results } = await readRules();
      this.body.replaceChildren(...results.map((rule) => this.#rowOf(rule)));
    });
  }

  /** @param {Rule} rule */
  #rowOf(rule) {
    const state = rule.enabled ? gettext("on") : gettext("off");
    return element(
      "tr",
      {},
      element("th", { scope: "row", text: rule.name }),
      element("td", {}, element("code", { text: rule.filter })),
      element("td", { text: conditionText(rule) }),
      element("td", { class: "number", text: rule.points.toLocaleString(language) }),
      element("td", { text: rule.problem }),
      element(
        "td",
        {},
        element("button", {
          type: "button",
          "aria-pressed": String(rule.enabled),
          "aria-label": gettext("%(rule)s is %(state)s", {
            rule: rule.name,
            state,
          }),
          text: state,
          click: () => this.#switch(rule),
        }),
        element("button", {
          type: "button",
          "aria-label": gettext("Change %(rule)s", { rule: rule.name }),
          text: gettext("Change"),
          click: () => this.#change(rule),
        }),
      ),
    );
  }

  /** @param {Rule} rule */
  #switch(rule) {
    return this.#try(async () => {
      const saved = await changeRule(rule.id, { enabled: !rule.enabled });
      await this.#read();
      setText(this.problem, saved.warnings.join(" "));
    });
  }

  /** @param {Rule | null} rule */
  #change(rule) {
    this.#id = rule?.id ?? null;
    setText(
      this.title,
      rule ? gettext("Change %(rule)s", { rule: rule.name }) : gettext("New rule"),
    );
    setText(this.problem, "");
    this.result.replaceChildren();
    if (!rule) {
      this.#storageField.value = this.#storage; // a reset leaves hidden fields alone
      return;
    }
    for (const [name, value] of Object.entries(rule)) {
      const field = this.form.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement)
        field.value = fieldText(name, value);
    }
    this.form.scrollIntoView({ block: "nearest" });
  }

  get #storageField() {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem("storage"));
  }

  #given() {
    const given = [...new FormData(this.form)];
    return Object.fromEntries(
      given.map(([name, text]) => [name, givenValue(name, String(text).trim())]),
    );
  }

  #save() {
    return this.#try(async () => {
      const given = this.#given();
      const saved = this.#id
        ? await changeRule(this.#id, given)
        : await makeRule(given);
      this.form.reset();
      await this.#read();
      setText(this.problem, saved.warnings.join(" "));
    });
  }

  #dryRun() {
    return this.#try(async () => {
      setText(this.result, gettext("Looking at the last 30 days."));
      try {
        this.result.replaceChildren(...resultOf(await tryRule(this.#given())));
      } catch (error) {
        this.result.replaceChildren();
        throw error;
      }
    });
  }
}

/** @param {Rule} rule */
function conditionText({ measure, windowSeconds, op, operand, value, path, ...rule }) {
  const window = windowSeconds
    ? ` ${gettext("of %(count)s min", { count: windowSeconds / 60 })}`
    : "";
  const limit = { value, point: path }[operand] ?? operand;
  const more = [];
  if (rule.tolerance)
    more.push(gettext("tolerance %(value)s", { value: rule.tolerance }));
  if (rule.hysteresis)
    more.push(gettext("hysteresis %(value)s", { value: rule.hysteresis }));
  if (rule.delaySeconds)
    more.push(gettext("for %(count)s min", { count: rule.delaySeconds / 60 }));
  const [what, how] = [MEASURES[measure] ?? measure, OPS[op] ?? op];
  return [`${what}${window} ${how} ${limit}`, ...more].join(", ");
}

/** @param {number} count */
const alarmsText = (count) => ngettext("%(count)s alarm", "%(count)s alarms", count);

/**
 * @param {DryRun} run
 * @returns {HTMLElement[]}
 */
function resultOf({ alarms, evaluated, open, days, worst, warnings }) {
  const dayCount = Object.keys(days).length;
  const said = gettext(
    "In the last 30 days: %(alarms)s of %(points)s, on %(days)s, of which %(open)s would still be raised.",
    {
      alarms: alarmsText(alarms),
      points: ngettext("%(count)s point", "%(count)s points", evaluated),
      days: ngettext("%(count)s day", "%(count)s days", dayCount),
      open,
    },
  );
  const points = worst.map(({ dis, count: number, raisedSeconds }) =>
    element("li", {
      text: `${dis}: ${alarmsText(number)}, ${HOURS.format(raisedSeconds / 3600)} h`,
    }),
  );
  return [
    element("p", { text: said }),
    ...warnings.map((text) => element("p", { class: "message", text })),
    ...(points.length ? [element("ul", {}, ...points)] : []),
  ];
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string} A value of the API, as the form shows it.
 */
function fieldText(name, value) {
  if (value === null) return "";
  if (MINUTES.includes(name)) return String(Number(value) / 60);
  if (name !== UNTIL) return String(value);
  const at = new Date(String(value));
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/**
 * @param {string} name
 * @param {string} text Of a field.
 * @returns {string | number | null} For the API.
 */
function givenValue(name, text) {
  if (MINUTES.includes(name)) return Math.round(Number(text) * 60);
  if (NUMBERS.includes(name)) return Number(text);
  if (name === "escalateMinutes") return text ? Number(text) : null;
  if (name === UNTIL) return text ? new Date(text).toISOString() : null;
  return text;
}
