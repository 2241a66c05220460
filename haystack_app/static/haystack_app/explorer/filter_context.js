/**
 * What a filter that is being typed may go on with.
 *
 * @module
 */

const TOKEN =
  /"(?:[^"\\]|\\.)*"?|`[^`]*`?|@[\w:.~-]*|->|[=!<>]=?|[()]|(?:(?!->)[^\s()"`=!<>@])+/g;
const COMPARISON = /^(?:[=!]=|[<>]=?)$/;
const CONNECTIVE = /^(?:and|or)$/;

/**
 * @typedef {object} FilterContext
 * @property {"tag" | "operator" | "value" | "connective"} expects
 * @property {string} tag The last one: of the operator or the value.
 * @property {string} typed What has been typed of it.
 * @property {number} start Where that begins.
 */

/**
 * What is expected at the caret.
 *
 * @param {string} text
 * @param {number} caret
 * @returns {FilterContext}
 */
export function contextAt(text, caret) {
  const before = text.slice(0, caret);
  const tokens = [...before.matchAll(TOKEN)];
  const last = tokens.at(-1);
  const isTouched =
    last !== undefined &&
    last.index + last[0].length === caret &&
    !["(", ")", "->"].includes(last[0]);
  const typed = isTouched ? last[0] : "";
  const whole = tokens.slice(0, isTouched ? -1 : undefined).map(([token]) => token);
  const { expects, tag } = whole.reduce(after, START);
  // an operator may follow a tag without a space: `area>`
  if (isTouched && COMPARISON.test(typed) && expects === "operator")
    return { ...after({ expects, tag }, typed), typed: "", start: caret };
  return { expects, tag, typed, start: caret - typed.length };
}

/** @typedef {Pick<FilterContext, "expects" | "tag">} State */

/** @type {State} */
const START = { expects: "tag", tag: "" };

/**
 * @param {State} state
 * @param {string} token
 * @returns {State}
 */
function after({ expects, tag }, token) {
  if (CONNECTIVE.test(token) || token === "(") return START;
  if (token === "->") return { expects: "tag", tag };
  if (COMPARISON.test(token)) return { expects: "value", tag };
  if (token === ")" || expects === "value") return { expects: "connective", tag: "" };
  if (token === "not") return START;
  return { expects: "operator", tag: token };
}
