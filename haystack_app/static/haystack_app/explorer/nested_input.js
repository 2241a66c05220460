/**
 * Inputs for lists and dicts, as they are in JSON, and for unknown kinds.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";
import { part } from "../shared/values.js";

/** @import { Hayson } from "../live.js" */
/** @import { PlainInput } from "./tag_input.js" */

/** What a new value of these kinds may be, and whether a value is one. */
const NESTED = /** @type {const} */ ({
  List: ['["a", "b"]', (/** @type {Hayson} */ value) => Array.isArray(value)],
  Dict: ['{"a": "b"}', isDict],
});

/** @param {Hayson} value */
export function isDict(value) {
  return isObject(value) && ["dict", undefined].includes(kindText(value));
}

/**
 * Lists, dicts and kinds of other programs, as they are in JSON.
 *
 * @param {Hayson} value
 * @param {string} label
 * @returns {PlainInput}
 */
export function jsonInput(value, label) {
  const area = element("textarea", { "aria-label": label, rows: "4" });
  area.value = value == null ? "" : JSON.stringify(value, null, 1);
  area.spellcheck = false;
  const read = () => {
    try {
      return /** @type {Hayson} */ (JSON.parse(area.value));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(
        gettext("this is not JSON (Hayson): %(reason)s", {
          reason: message,
        }),
        { cause: error },
      );
    }
  };
  return { field: area, read };
}

/**
 * @param {keyof typeof NESTED} kind
 * @param {Hayson} value
 * @param {string} label
 * @returns {PlainInput}
 */
export function nestedInput(kind, value, label) {
  const [example, isOne] = NESTED[kind];
  const { field, read } = jsonInput(value, label);
  /** @type {HTMLTextAreaElement} */ (field).placeholder = example;
  return {
    field,
    read: () => {
      const found = read();
      if (!isOne(found))
        throw new Error(
          gettext("this is not a %(kind)s: write %(example)s", {
            kind,
            example,
          }),
        );
      return found;
    },
  };
}

/** @param {Hayson} value */
const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {Hayson} value */
const kindText = (value) => /** @type {string | undefined} */ (part(value, "_kind"));
