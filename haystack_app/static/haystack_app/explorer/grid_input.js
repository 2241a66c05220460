/**
 * The input for a grid: its text in Zinc, which the server writes and checks.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";
import { gridFromZinc, zincOf } from "../shared/rest.js";

/** @import { Grid, Hayson } from "../live.js" */
/** @import { TagInput } from "./tag_input.js" */

const EXAMPLE = 'ver:"3.0"\nname,limit\n"low",20°C\n"high",26°C';

/**
 * A grid that is not touched stays as it is.
 *
 * @param {Hayson} value
 * @param {string} label
 * @returns {TagInput}
 */
export function gridInput(value, label) {
  const area = element("textarea", { "aria-label": label, rows: "6" });
  area.spellcheck = false;
  area.placeholder = EXAMPLE;
  let shown = "";
  const show = async () => {
    area.disabled = true;
    try {
      area.value = await zincOf(/** @type {Grid} */ (value));
      shown = area.value; // browsers write line ends in their own way
    } catch (error) {
      area.placeholder = /** @type {Error} */ (error).message;
    }
    area.disabled = false;
  };
  if (value != null) show();
  const read = async () => {
    if (!area.value.trim())
      throw new Error(
        gettext("write a grid in Zinc, such as %(example)s", { example: EXAMPLE }),
      );
    return area.value === shown ? value : gridFromZinc(area.value);
  };
  return { field: area, read };
}
