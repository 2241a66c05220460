/**
 * Texts in the language of the page.
 *
 * A page that is not English loads Django's catalog before its modules. English is in
 * the modules themselves.
 *
 * @module
 */

/**
 * @type {undefined | Record<"gettext" | "ngettext" | "pgettext", (...parts: any[]) => string>}
 *   Pages of the admin have a `django` without texts.
 */
const catalog = /** @type {any} */ (globalThis).django;

/** The language of the page, such as `de`. */
export const language = globalThis.document?.documentElement?.lang || "en";

/** For dates, whose day comes before the month in English, too. */
export const dateLanguage = /^en\b/.test(language) ? "en-GB" : language;

/** Of placeholders, which are not rounded. */
const NUMBER = new Intl.NumberFormat(language, { maximumFractionDigits: 12 });

/** @typedef {Record<string, string | number>} Values */

/**
 * Fill in values.
 *
 * @param {string} text With placeholders such as `%(name)s`.
 * @param {Values} values Numbers are written as people of the language do.
 * @returns {string} Placeholders without a value stay.
 */
export const interpolate = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (whole, name) => {
    const value = values[name] ?? whole;
    return typeof value === "number" ? NUMBER.format(value) : value;
  });

/**
 * @param {string} text
 * @param {Values} [values]
 */
export const gettext = (text, values = {}) =>
  interpolate(catalog?.gettext?.(text) ?? text, values);

/**
 * @param {string} context Tells apart two meanings of the text.
 * @param {string} text
 * @returns {string}
 */
export const pgettext = (context, text) => catalog?.pgettext?.(context, text) ?? text;

/**
 * @param {string} one
 * @param {string} many
 * @param {number} count The value of `%(count)s`.
 * @param {Values} [values] Others.
 */
export const ngettext = (one, many, count, values = {}) =>
  interpolate(catalog?.ngettext?.(one, many, count) ?? (count === 1 ? one : many), {
    count,
    ...values,
  });
