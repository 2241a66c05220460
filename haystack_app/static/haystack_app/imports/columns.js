/**
 * The columns of tables, or the names of points in their rows, and what each is.
 *
 * @module
 */

import { gettext, interpolate } from "../shared/i18n.js";
import { byId, element, textField } from "../shared/elements.js";
import { withLabels } from "./fields.js";

/** @import { Column, Corrections, Found, Table } from "./api.js" */

const CORRECTED = new Set(["point", "unknown", "ignored"]);
const CELLS = gettext("First cells");
/** What the rows of a table are, with the end of the ids of their elements. */
const COLUMNS = {
  key: "C",
  one: gettext("Column"),
  all: gettext("Columns"),
  ofSheet: gettext("Columns of %(name)s"),
};
const NAMES = {
  key: "N",
  one: gettext("Name in the rows"),
  all: gettext("Name in the rows"),
  ofSheet: gettext("Name in the rows of %(name)s"),
};
/** @type {Record<string, string>} */
const DELIMITERS = {
  comma: gettext("commas"),
  semicolon: gettext("semicolons"),
  tab: gettext("tabs"),
  pipe: gettext("pipes"),
};
const USES = /** @type {Record<string, string>} */ ({
  time: gettext("the time"),
  name: gettext("names of points"),
  value: gettext("the values"),
  unit: gettext("units of the values"),
  status: gettext("status of the values"),
  flags: gettext("not read"),
  words: gettext("markers and tags"),
});

export class Columns {
  /** @type {Corrections} */
  #corrections = {};

  #section = byId("columns", HTMLElement);
  #tables = byId("column-tables", HTMLElement);

  /** @param {(corrections: Corrections) => void} onCorrect */
  constructor(onCorrect) {
    this.onCorrect = onCorrect;
  }

  /**
   * @param {Found} found
   * @param {Corrections} corrections
   */
  show(found, corrections) {
    this.#corrections = corrections;
    const focused = document.activeElement?.id;
    const shown = found.tables
      .filter(({ header }) => header?.length)
      .map((table, at) => this.#table(table, found.kind, at));
    this.#section.hidden = !shown.length;
    this.#tables.replaceChildren(...shown);
    if (focused?.startsWith("column-")) document.getElementById(focused)?.focus();
  }

  /**
   * @param {Table} table
   * @param {Found["kind"]} kind
   * @param {number} place
   */
  #table(table, kind, place) {
    const box = element("div", { class: "sheet" });
    if (table.sheet)
      box.append(
        element("h3", {
          text: gettext("Sheet %(name)s", { name: table.sheet }),
        }),
      );
    box.append(element("p", { class: "note", text: formOf(table) }));
    for (const [columns, part] of /** @type {const} */ ([
      [table.columns, COLUMNS],
      [table.names, NAMES],
    ])) {
      if (!columns?.length) continue;
      const rows = columns.map((column, at) =>
        kind === "entities"
          ? this.#tagRow(column, `column-${place}-${part.key}-${at}`)
          : this.#pointRow(column, `column-${place}-${part.key}-${at}`),
      );
      const heads =
        kind === "entities"
          ? [part.one, gettext("Tag"), gettext("Kind"), gettext("Unit"), ""]
          : [part.one, CELLS, gettext("Point"), gettext("Unit"), gettext("Factor"), ""];
      box.append(
        wide(
          table.sheet ? interpolate(part.ofSheet, { name: table.sheet }) : part.all,
          heads,
          rows,
        ),
      );
    }
    if (table.rows?.length) box.append(preview(table));
    return box;
  }

  /**
   * @param {Column} column
   * @param {string} id Of the elements of the row.
   */
  #pointRow(column, id) {
    const { header, use, cells = [] } = column;
    const row = element(
      "tr",
      { data: { use } },
      element("th", { scope: "row", text: header || gettext("(no header)") }),
      element("td", { class: "cells", text: cells.join(" · ") }),
    );
    if (!CORRECTED.has(use)) {
      const text = USES[use] ?? use;
      row.append(element("td", { colspan: "4", class: "note", text }));
      return row;
    }
    const isIgnored = use === "ignored";
    const point = textField(
      gettext("Point of %(column)s", { column: header }),
      gettext("search for a point"),
    );
    point.id = `${id}-point`;
    point.setAttribute("list", "found-points");
    point.value = column.id ?? this.#mappedId(header);
    point.disabled = isIgnored;
    const unit = textField(
      gettext("Unit of %(column)s", { column: header }),
      column.pointUnit ?? "",
    );
    unit.id = `${id}-unit`;
    unit.value = column.unit ?? "";
    unit.disabled = isIgnored || !(point.value || column.unit);
    unit.size = 6;
    const factor = textField(gettext("Factor of %(column)s", { column: header }), "1");
    factor.id = `${id}-factor`;
    factor.value = column.factor && column.factor !== 1 ? String(column.factor) : "";
    factor.inputMode = "decimal";
    factor.size = 6;
    factor.disabled = isIgnored || !point.value;
    const correct = () =>
      this.#map(header, mappedTo(point.value, unit.value, factor.value));
    for (const input of [point, unit, factor])
      input.addEventListener("change", correct);
    const note = column.problem || (column.isNew ? gettext("new point") : "");
    const cell = element("td", {}, point);
    if (note)
      cell.append(
        element("p", { class: column.isNew ? "note" : "wrong", text: inWords(note) }),
      );
    row.append(cell, element("td", {}, unit), element("td", {}, factor));
    row.append(this.#leaveOut(header, id, isIgnored, () => this.#map(header, null)));
    return row;
  }

  /**
   * @param {Column} column
   * @param {string} id
   */
  #tagRow(column, id) {
    const { header, use } = column;
    const row = element("tr", { data: { use } });
    row.append(element("th", { scope: "row", text: header }));
    for (const text of [column.tag ?? USES[use] ?? "", column.kind, column.unit])
      row.append(element("td", { text: text ?? "" }));
    const ignore = () => this.#ignore([...(this.#corrections.ignore ?? []), header]);
    row.append(this.#leaveOut(header, id, false, ignore));
    return row;
  }

  /**
   * @param {string} header
   * @param {string} id
   * @param {boolean} isIgnored
   * @param {() => void} ignore
   */
  #leaveOut(header, id, isIgnored, ignore) {
    const box = element("input", { type: "checkbox", id: `${id}-out` });
    box.checked = isIgnored;
    box.addEventListener("change", () => (box.checked ? ignore() : this.#take(header)));
    const label = element(
      "label",
      {},
      box,
      document.createTextNode(` ${gettext("Leave out")}`),
    );
    box.setAttribute("aria-label", gettext("Leave out %(column)s", { column: header }));
    return element("td", { class: "out" }, label);
  }

  /** @param {string} header */
  #mappedId(header) {
    const given = this.#corrections.mapping?.[header];
    return typeof given === "string" ? given : (given?.id ?? "");
  }

  /**
   * @param {string} header
   * @param {object | null | undefined} to undefined takes the correction back.
   */
  #map(header, to) {
    const mapping = { ...this.#corrections.mapping };
    if (to === undefined) delete mapping[header];
    else mapping[header] = to;
    this.onCorrect({ mapping: Object.keys(mapping).length ? mapping : null });
  }

  /** @param {string} header */
  #take(header) {
    const rest = (this.#corrections.ignore ?? []).filter(
      (/** @type {string} */ one) => one !== header,
    );
    const mapping = { ...this.#corrections.mapping };
    delete mapping[header];
    this.onCorrect({
      mapping: Object.keys(mapping).length ? mapping : null,
      ignore: rest.length ? rest : null,
    });
  }

  /** @param {string[]} headers */
  #ignore(headers) {
    this.onCorrect({ ignore: headers });
  }
}

/**
 * @param {string} point
 * @param {string} unit
 * @param {string} factor
 */
function mappedTo(point, unit, factor) {
  const id = point.trim().replace(/^@/, "");
  if (!id) return undefined;
  return {
    id,
    ...(unit.trim() ? { unit: unit.trim() } : {}),
    ...(factor.trim() ? { factor: factor.trim().replace(",", ".") } : {}),
  };
}

/** @param {string} text A problem of a column, whose corrections are beside it. */
const inWords = (text) => withLabels(text.split(": map it with ")[0] ?? text);

/** @param {Table} table */
function formOf({ layout, encoding, delimiter, times, zone }) {
  const layouts = /** @type {Record<string, string>} */ ({
    wide: gettext("A column for each point"),
    long: gettext("A row for each sample"),
    single: gettext("The samples of one point"),
  });
  const parts = [layouts[layout ?? ""] ?? gettext("A table")];
  if (encoding)
    parts.push([encoding, DELIMITERS[delimiter ?? ""]].filter(Boolean).join(", "));
  if (times)
    parts.push(
      zone
        ? gettext("times of %(zone)s", { zone })
        : gettext("times of the zone of each point"),
    );
  return `${parts.join("; ")}.`;
}

/** @param {Table} table */
function preview({ header = [], rows = [], sheet }) {
  const summary = element("summary", { text: gettext("The first rows") });
  const body = rows.map((cells) =>
    element("tr", {}, ...cells.map((text) => element("td", { text }))),
  );
  const name = sheet
    ? gettext("First rows of %(name)s", { name: sheet })
    : gettext("First rows");
  return element("details", { class: "preview" }, summary, wide(name, header, body));
}

/**
 * A table that scrolls sideways.
 *
 * @param {string} name
 * @param {string[]} heads
 * @param {HTMLElement[]} rows
 */
export function wide(name, heads, rows) {
  const head = element(
    "tr",
    {},
    ...heads.map((text) =>
      text
        ? element("th", {
            scope: "col",
            text,
            ...(text === CELLS ? { class: "cells" } : {}),
          })
        : element("td", {}),
    ),
  );
  const table = element(
    "table",
    {},
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  const properties = {
    class: "wide",
    role: "group",
    tabindex: "0",
    "aria-label": name,
  };
  return element("div", properties, table);
}
