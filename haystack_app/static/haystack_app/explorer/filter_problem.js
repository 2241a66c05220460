/**
 * What is wrong with a filter: the column, and a filter that might be meant.
 *
 * @module
 */

import { element } from "../shared/elements.js";

const COLUMN = /column (\d+)/;
/** Habits of other languages, and what a filter has instead. */
const HABITS = /** @type {[RegExp, string][]} */ ([
  [/[“”„‟]/g, '"'],
  [/[‘’]/g, "'"],
  [/'([^'"]*)'/g, '"$1"'],
  [/(?<![=!<>])=(?![=])/g, "=="],
  [/===/g, "=="],
  [/<>/g, "!="],
  [/\s*&&?\s*/g, " and "],
  [/\s*\|\|?\s*/g, " or "],
  [/\bAND\b/g, "and"],
  [/\bOR\b/g, "or"],
  [/\bNOT\b/g, "not"],
  [/!\s*(?=[A-Za-z])/g, "not "],
  [/\bTrue\b/g, "true"],
  [/\bFalse\b/g, "false"],
  [/\s+(and|or)\s*$/, ""],
  [/^\s*(and|or)\s+/, ""],
]);

/**
 * The same filter without the habits of other languages. Quoted texts stay as they
 * are, and what is open at the end is closed.
 *
 * @param {string} text
 * @returns {string} The same text if there is nothing to propose.
 */
export function proposalFor(text) {
  const plain = HABITS.slice(0, 3).reduce(replaced, text);
  const closed = count(plain, '"') % 2 ? `${plain}"` : plain;
  const parts = closed.split(/("(?:[^"\\]|\\.)*")/);
  const written = parts
    .map((part, index) => (index % 2 ? part : HABITS.slice(3).reduce(replaced, part)))
    .join("")
    .trim();
  const missing = count(written, "(") - count(written, ")");
  return missing > 0 ? written + ")".repeat(missing) : written;
}

/**
 * The text of a filter with the column marked that an error names.
 *
 * @param {string} text
 * @param {string} reason The error.
 * @returns {HTMLElement | null} Null if it names no column.
 */
export function marked(text, reason) {
  const column = Number(COLUMN.exec(reason)?.[1]);
  if (!column || column > text.length + 1) return null;
  const letters = [...text];
  return element(
    "code",
    { class: "marked" },
    document.createTextNode(letters.slice(0, column - 1).join("")),
    element("mark", { text: letters[column - 1] ?? " " }),
    document.createTextNode(letters.slice(column).join("")),
  );
}

/**
 * @param {string} text
 * @param {[RegExp, string]} habit
 */
const replaced = (text, [pattern, written]) => text.replace(pattern, written);

/**
 * @param {string} text
 * @param {string} letter
 */
const count = (text, letter) => text.split(letter).length - 1;
