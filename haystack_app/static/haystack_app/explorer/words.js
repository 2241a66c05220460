/**
 * Texts that are searched for as words.
 *
 * @module
 */

/** Text that a filter would take for the name of a tag, or two. */
const PLAIN = /^[\p{L}\p{N}_.\- ]+$/u;

/** @param {string} text */
export const isPlain = (text) => PLAIN.test(text);

/**
 * The words of a text that are searched for.
 *
 * @param {string} text
 * @returns {string[]}
 */
export const wordsOf = (text) =>
  text
    .toLowerCase()
    .split(/[\s"“”,]+/)
    .filter(Boolean);
