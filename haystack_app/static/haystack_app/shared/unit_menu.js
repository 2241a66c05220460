/**
 * The menu in which people choose the units of a page.
 *
 * @module
 */

import { gettext } from "./i18n.js";
import { choice, element } from "./elements.js";
import { choose, offered } from "./units.js";

/**
 * @param {HTMLDetailsElement} menu
 * @param {HTMLElement} body Where the choices go.
 */
export function followUnitMenu(menu, body) {
  menu.addEventListener("toggle", () => menu.open && fill(body));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

/** @param {HTMLElement} body */
function fill(body) {
  const rows = offered().map(({ unit, shown, options }) => {
    const select = choice("", options);
    select.value = shown;
    select.addEventListener("change", () => choose(unit, select.value));
    return element(
      "label",
      {},
      element("span", { text: gettext("%(unit)s as", { unit }) }),
      select,
    );
  });
  const text = rows.length
    ? gettext("Kept in this browser. What is written stays in the unit of the point.")
    : gettext("No value here has a unit that can be converted.");
  body.replaceChildren(...rows, element("p", { class: "note", text }));
}
