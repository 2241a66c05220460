/**
 * Boxes to search for points, sites and equips by words, with lists of the browser.
 *
 * @module
 */

import { element } from "../shared/elements.js";
import { readEntities } from "../shared/rest.js";
import { nameOf, textOf } from "../shared/values.js";

/** @import { Rec } from "../live.js" */

const PAUSE = 200;
const SHOWN = 20;
const FILTERS = /** @type {Record<string, string>} */ ({
  "found-points": "point and his",
  places: "site or equip",
});

let timer = 0;
let round = 0;

/**
 * Fill the lists of boxes below an element while people write in them.
 *
 * @param {HTMLElement} root
 */
export function searchBoxes(root) {
  root.addEventListener("input", (event) => {
    const { target } = event;
    if (!(target instanceof HTMLInputElement)) return;
    const list = target.getAttribute("list") ?? "";
    if (!(list in FILTERS)) return;
    clearTimeout(timer);
    timer = setTimeout(() => fill(list, target.value), PAUSE);
  });
}

/**
 * @param {string} list
 * @param {string} words
 */
async function fill(list, words) {
  const own = ++round;
  const query = new URLSearchParams({
    filter: FILTERS[list] ?? "",
    limit: String(SHOWN),
    fields: "dis,navName,siteRef,equipRef,unit",
  });
  if (words.trim()) query.set("search", words.trim());
  const project = document.body.dataset.project;
  const found = await readEntities(project, query).catch(() => ({ results: [] }));
  if (own !== round) return;
  const options = found.results.map((record) => {
    const option = element("option", { value: record.id.val });
    option.label = describe(record);
    return option;
  });
  document.getElementById(list)?.replaceChildren(...options);
}

/** @param {Rec} record */
function describe(record) {
  const places = [record.equipRef, record.siteRef].filter(Boolean).map(textOf);
  return [nameOf(record), ...places, textOf(record.unit)].filter(Boolean).join(" · ");
}
