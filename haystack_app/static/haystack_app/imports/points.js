/**
 * What the import would store: points with their samples, or the first entities.
 *
 * @module
 */

import { gettext, language } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { wide } from "./columns.js";
import { intervalText, momentOf } from "./words.js";

/** @import { Found } from "./api.js" */

const SHOWN = 100;

/** @param {Found} found */
export function showPoints({
  kind,
  points = [],
  entities = [],
  dangling = [],
  notes = [],
}) {
  const section = byId("points", HTMLElement);
  const shown = [];
  if (kind === "history" && points.length) {
    const rows = points.slice(0, SHOWN).map((point) => {
      const name = element("th", { scope: "row", text: point.dis });
      const id = point.isNew
        ? gettext("new, %(id)s", { id: `@${point.id}` })
        : `@${point.id}`;
      name.append(element("span", { class: "note", text: ` ${id}` }));
      const cells = [
        point.samples.toLocaleString(language),
        momentOf(point.first),
        momentOf(point.last),
        intervalText(point.interval),
      ];
      return element("tr", {}, name, ...cells.map((text) => element("td", { text })));
    });
    const heads = [
      gettext("Point"),
      gettext("Samples"),
      gettext("First (UTC)"),
      gettext("Last (UTC)"),
      gettext("Every"),
    ];
    shown.push(wide(gettext("Points"), heads, rows));
    if (points.length > SHOWN)
      shown.push(
        element("p", {
          class: "note",
          text: gettext("and %(count)s more", {
            count: points.length - SHOWN,
          }),
        }),
      );
  }
  if (entities.length) {
    const rows = entities.map(({ id, tags }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", text: `@${id}` }),
        element("td", { class: "tags", text: tags }),
      ),
    );
    shown.push(
      wide(gettext("The first entities"), [gettext("Entity"), gettext("Tags")], rows),
    );
  }
  const lines = [
    ...notes,
    ...dangling.map((one) =>
      gettext("%(tag)s of @%(id)s is @%(target)s, which does not exist", one),
    ),
  ];
  if (lines.length)
    shown.push(element("ul", {}, ...lines.map((text) => element("li", { text }))));
  byId("points-tables", HTMLElement).replaceChildren(...shown);
  section.hidden = !shown.length;
}
