/**
 * Suggestions for the filter box: tags, operators, values that occur.
 *
 * @module
 */

import { gettext, language } from "../shared/i18n.js";
import { contextAt } from "./filter_context.js";
import { readTags, readValues } from "../shared/rest.js";
import { filterLiteral, textOf } from "../shared/values.js";

/** @import { Suggestion } from "./combobox.js" */
/** @import { FilterContext } from "./filter_context.js" */

const MOST = "12";
const CONNECTIVES = /** @type {const} */ ([
  ["and", gettext("both hold")],
  ["or", gettext("one of both holds")],
]);
const COMPARISONS = /** @type {const} */ ([
  ["==", gettext("is")],
  ["!=", gettext("is not")],
  ["<", gettext("is less than")],
  ["<=", gettext("is at most")],
  [">", gettext("is greater than")],
  [">=", gettext("is at least")],
]);
const ARROW = /** @type {const} */ (["->", gettext("a tag of what it refers to")]);

/**
 * @param {string[]} examples Filters to begin with.
 * @returns {(text: string, caret: number) => Promise<Suggestion[]>}
 */
export const completionOf = (examples) => async (text, caret) => {
  if (!text.trim())
    return examples.map((insert) => ({
      ...{ text: insert, detail: "", insert },
      ...{ start: 0, end: text.length },
    }));
  const context = contextAt(text, caret);
  const found = await suggestionsFor(context);
  return found.map((one) => ({ ...one, start: context.start, end: caret }));
};

/** @typedef {Pick<Suggestion, "text" | "detail" | "insert">} Found */

/**
 * @param {FilterContext} context
 * @returns {Promise<Found[]>}
 */
async function suggestionsFor({ expects, tag, typed }) {
  if (expects === "value") return valuesOf(tag, typed);
  if (expects === "connective") return wordsOf(CONNECTIVES, typed);
  if (expects === "operator") {
    const arrow = tag.endsWith("Ref") || tag === "id" ? [ARROW] : [];
    return wordsOf([...CONNECTIVES, ...COMPARISONS, ...arrow], typed);
  }
  const { results } = await readTags({ prefix: typed, limit: MOST });
  const tags = results.map(({ tag: name, count }) => ({
    text: name,
    detail: count === null ? "" : count.toLocaleString(language),
    insert: `${name} `,
  }));
  return [...tags, ...(typed ? wordsOf([["not", gettext("is missing")]], typed) : [])];
}

/**
 * @param {readonly (readonly [string, string])[]} words With what they mean.
 * @param {string} typed
 * @returns {Found[]}
 */
const wordsOf = (words, typed) =>
  words
    .filter(([word]) => word.startsWith(typed))
    .map(([text, detail]) => ({
      ...{ text, detail },
      insert: text === "->" ? text : `${text} `,
    }));

/**
 * @param {string} tag
 * @param {string} typed
 * @returns {Promise<Found[]>}
 */
async function valuesOf(tag, typed) {
  const prefix = typed.replace(/^["@`]/, "").replace(/"$/, "");
  const { results } = await readValues(tag, { prefix, limit: MOST });
  return results.flatMap(({ val, count }) => {
    const literal = filterLiteral(val);
    const [text, detail] = [textOf(val), count.toLocaleString(language)];
    return literal ? [{ text, detail, insert: `${literal} ` }] : [];
  });
}
