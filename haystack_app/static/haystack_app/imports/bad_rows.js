/**
 * Invalid rows: the first ones, all of them in a file, and leaving them out.
 *
 * @module
 */

import { language, ngettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { badRowsUrl } from "./api.js";
import { withLabels } from "./fields.js";

/** @import { BadRow, Corrections, Import } from "./api.js" */

export class BadRows {
  #section = byId("bad", HTMLElement);
  #rows = byId("bad-rows", HTMLTableSectionElement);
  #skip = byId("skip-bad", HTMLInputElement);
  #text = byId("skip-bad-text", HTMLElement);
  #file = byId("bad-file", HTMLAnchorElement);
  #count = 0;

  /** @param {(corrections: Corrections) => void} onCorrect */
  constructor(onCorrect) {
    this.#skip.addEventListener("change", () =>
      onCorrect({ skipBad: this.#skip.checked ? String(this.#count) : null }),
    );
  }

  /** @param {Import} found */
  show({ id, found, corrections }) {
    const bad = found?.bad ?? { count: 0, shown: [] };
    this.#section.hidden = !bad.count || Boolean(found?.problem && !bad.shown[0]?.line);
    this.#count = bad.count;
    const isSkippable = found?.kind === "history";
    const label = this.#skip.closest("label");
    if (label) label.hidden = !isSkippable;
    this.#skip.checked = corrections.skipBad != null;
    this.#text.textContent = ngettext(
      "Leave it out: %(count)s invalid cell or row",
      "Leave them out: %(count)s invalid cells and rows",
      bad.count,
    );
    this.#file.href = badRowsUrl(id);
    this.#rows.replaceChildren(...bad.shown.map(rowOf));
  }
}

/** @param {BadRow} row */
function rowOf({ sheet, line, column, reason, remedy }) {
  const place = [sheet, line?.toLocaleString(language)].filter(Boolean).join(", ");
  const cells = [column, reason, remedy].map((text) =>
    element("td", { text: withLabels(text) }),
  );
  return element("tr", {}, element("th", { scope: "row", text: place }), ...cells);
}
