/**
 * Marks at sites, equipment and points with open alarms, in a tree.
 *
 * @module
 */

import { language, ngettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";
import { followAlarms } from "./summary.js";

/** @type {Map<string, {count: number, severity: number}>} */
let marked = new Map();

/** @param {HTMLElement} tree Its buttons have the ids of entities in `data-id`. */
export function markTree(tree) {
  followAlarms(({ entities }) => {
    marked = new Map(entities.map(({ id, ...rest }) => [id, rest]));
    mark(tree);
  });
  new MutationObserver(() => mark(tree)).observe(tree, {
    childList: true,
    subtree: true,
  });
}

/** @param {HTMLElement} tree */
function mark(tree) {
  for (const place of tree.querySelectorAll("button[data-id]")) {
    if (!(place instanceof HTMLElement)) continue;
    const found = marked.get(place.dataset.id ?? "");
    const badge = place.parentElement?.querySelector(".alarms");
    if (!found) badge?.remove();
    else if (badge instanceof HTMLElement) update(badge, found);
    else place.after(update(element("span", { class: "alarms" }), found));
  }
}

/**
 * @param {HTMLElement} badge
 * @param {{count: number, severity: number}} found
 */
function update(badge, { count, severity }) {
  const text = count.toLocaleString(language);
  const words = ` ${ngettext("open alarm", "open alarms", count)}`;
  badge.dataset.severity = String(severity);
  if (badge.textContent !== text + words)
    badge.replaceChildren(text, element("span", { class: "unseen", text: words }));
  return badge;
}
