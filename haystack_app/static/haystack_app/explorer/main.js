/**
 * The explorer: live values of the records that match a filter.
 *
 * The address of the page says what it shows. All that people choose goes there, and
 * the page follows it, so that every view can be sent to others, and Back works.
 *
 * @module
 */

import { gettext, interpolate, ngettext } from "../shared/i18n.js";
import { markTree } from "../alarms/badges.js";
import { MOST_POINTS } from "../charts/track.js";
import { Live, gridOf } from "../live.js";
import { byId, element } from "../shared/elements.js";
import { onUnits } from "../shared/units.js";
import { downloadUrl, loginUrl, websocketUrl } from "../shared/urls.js";
import { filterId } from "../shared/values.js";
import { FIRST_FILTER, searchOf, viewOf } from "./address.js";
import { ColumnChoice, savedColumns } from "./column_choice.js";
import { NAME } from "./columns.js";
import { Combobox } from "./combobox.js";
import { completionOf } from "./completion.js";
import { Detail } from "./detail.js";
import { Later } from "./later.js";
import { rightsOf } from "./rights.js";
import { Search } from "./search.js";
import { ValueTable } from "./table.js";
import { Tree } from "./tree.js";
import { wordsOf } from "./words.js";

/** @import { Rec, Status } from "../live.js" */
/** @import { View } from "./address.js" */

const NOT_LOGGED_IN = 4401;

const connection = byId("connection", HTMLElement);
const connectionText = byId("connection-text", HTMLElement);
const count = byId("count", HTMLElement);
/** @type {{csv: HTMLAnchorElement, xlsx?: HTMLAnchorElement}} Links to files. */
const files = { csv: byId("download", HTMLAnchorElement) };
if (document.getElementById("workbook"))
  files.xlsx = byId("workbook", HTMLAnchorElement);
const chartFirst = byId("chart-first", HTMLButtonElement);
const filterInput = byId("filter", HTMLInputElement);
const places = byId("places", HTMLDetailsElement);

const { project, user = "" } = document.body.dataset;
const login = { user, may: rightsOf() };
let view = viewOf(location.search);

const live = new Live({ url: websocketUrl(project), onStatus: showStatus });
const search = new Search(live, project, {
  onStart: () => table.clear(),
  onRecords: update,
  onGo: (filter, reading = "") => go({ filter, reading }),
});
const { matches } = search;
const table = new ValueTable({
  onSelect: (id) => go({ ids: [id], list: "" }),
  hrefOf: (id) => `?${searchOf({ ...view, ids: [id], list: "" })}`,
  onCheck: (id, isChecked) =>
    go({ ids: isChecked ? [...view.ids, id] : without(id), list: "" }),
  onSort: (sort) => go({ sort }),
  onOnly: (only) => go({ only }, true),
  onVisible: (ids, isEnd) => matches.look(ids, isEnd),
  onArranged: showCount,
});
const columns = new ColumnChoice((chosen) => go({ columns: chosen }));
const detail = new Detail(live, login, {
  onDismiss: dismiss,
  onRange: (range) => go({ range }),
  onZone: (zone) => go({ zone }),
  onCompare: (comparison) => go({ comparison }),
  onRemove: (id) => go({ ids: without(id) }),
  onChart: chartPointsOf,
  onAdd: (id) => go({ ids: [id], list: "add" }),
  onSelect: (id) => go({ ids: [id], list: "" }),
});
const ofList = {
  ...login,
  onSelect: (/** @type {string} */ id) => go({ ids: [id], list: "" }),
  onDismiss: () => go({ list: "" }),
};
const call = live.call.bind(live);
/** The lists that may be open instead of a record, by their names in the address. */
const lists = {
  overrides: laterList(() =>
    import("./overrides.js").then((it) => new it.Overrides(live, ofList)),
  ),
  trash: laterList(() =>
    import("./trash_list.js").then((it) => new it.TrashList(call, project, ofList)),
  ),
  writes: laterList(() =>
    import("./write_list.js").then((it) => new it.WriteList(ofList)),
  ),
  add: laterList(() =>
    import("./def_form.js").then((it) => new it.DefForm(call, ofList)),
  ),
};
const bulk = new Later(() => import("./bulk.js").then((it) => new it.Bulk(call)));
const tree = new Tree(byId("tree", HTMLElement), byId("tree-note", HTMLElement), {
  call,
  onSelect: goTo,
  onGroup: (filter) => go({ filter, reading: "", ids: [], list: "" }),
});

// -- what is shown ------------------------------------------------------------------

/**
 * @param {Partial<View>} change
 * @param {boolean} [isSmall] Whether Back leads to what was before.
 */
function go(change, isSmall = false) {
  const next = { ...view, ...change };
  next.ids = next.ids.slice(0, MOST_POINTS);
  const address = new URL(location.href);
  address.search = searchOf(next);
  if (isSmall) history.replaceState(null, "", address);
  else if (address.href !== location.href) history.pushState(null, "", address);
  followAddress();
}

/** Show what the query string of the page says. */
function followAddress() {
  view = viewOf(location.search);
  filterInput.value = view.filter;
  columns.show(view.columns);
  table.setView(view);
  search.show(view);
  showFiles();
  const isOpen = view.ids.length > 0 && !view.list;
  document.body.classList.toggle("with-detail", isOpen || view.list !== "");
  if (isOpen)
    detail.show(view, view.ids[1] ? undefined : matches.record(view.ids[0] ?? ""));
  else detail.close();
  for (const [name, list] of Object.entries(lists))
    if (name === view.list) list.open(view);
    else list.close();
  table.mark(isOpen ? view.ids : []);
  if (isOpen) tree.reveal(view.ids[0] ?? "");
  showLoginLink(); // it leads back to the new address
}

/**
 * @param {Rec[]} records
 * @param {string[]} gone
 */
function update(records, gone) {
  table.update(records, gone);
  showCount();
  showFiles();
  chartFirst.hidden = !table.hasHistory();
  chartFirst.textContent =
    matches.hasMore || matches.size > MOST_POINTS
      ? gettext("Chart the first %(count)s", { count: MOST_POINTS })
      : gettext("Chart these");
  showBulk();
}

/** For users that may change entities; its code is loaded for them alone. */
function showBulk() {
  if (!login.may.has("change_entity")) return;
  bulk.use((it) => it.show(view.filter, search.isByWords));
}

function showCount() {
  const isFiltered = Object.keys(view.only).length > 0;
  count.textContent = interpolate(isFiltered ? filteredText() : loadedText(), {
    shown: table.size,
    count: matches.size,
    total: matches.total,
  });
}

function loadedText() {
  const { size, total, hasMore } = matches;
  if (!hasMore) return ngettext("%(count)s match", "%(count)s matches", size);
  return total > size
    ? gettext("The first %(count)s of %(total)s matches")
    : gettext("The first %(count)s matches");
}

/** Filters of columns hide some of them. */
function filteredText() {
  const { size, total, hasMore } = matches;
  if (!hasMore)
    return ngettext(
      "%(shown)s of %(count)s match",
      "%(shown)s of %(count)s matches",
      size,
    );
  return total > size
    ? gettext("%(shown)s of the first %(count)s of %(total)s matches")
    : gettext("%(shown)s of the first %(count)s matches");
}

/** The files have what the table has; filters of columns are those of this page. */
function showFiles() {
  const { filter, sort } = view;
  const asked = new URLSearchParams(
    search.isByWords ? { search: wordsOf(filter).join(" ") } : { filter, sort },
  );
  asked.set("fields", [NAME, ...view.columns].join(","));
  for (const [format, link] of Object.entries(files)) {
    asked.set("format", format);
    link.href = downloadUrl(project, asked);
  }
}

/** @param {string} format Of a file of the rows that filters of columns leave. */
async function saveShown(format) {
  const { saveRecords, saveWorkbook } = await import("../charts/exports.js");
  const tags = [NAME, ...view.columns];
  const records = table.rows.map(({ record }) => record);
  if (format === "csv") return saveRecords(tags, records);
  try {
    await saveWorkbook(downloadUrl(project, new URLSearchParams()), tags, records);
  } catch (error) {
    count.textContent = /** @type {Error} */ (error).message;
  }
}

function dismiss() {
  const [id = ""] = view.ids;
  go({ ids: [], list: "" });
  table.focus(id);
}

/** @param {string} id */
const without = (id) => view.ids.filter((one) => one !== id);

/**
 * Show the points of a site or of equipment, or select a point.
 *
 * @param {Rec} record
 */
function goTo(record) {
  const id = record.id.val;
  const ref = filterId(id);
  if (!ref) return;
  if (isNarrow()) places.open = false;
  if ("site" in record) go({ filter: `point and siteRef==${ref}`, ids: [], list: "" });
  else if ("space" in record)
    go({ filter: `spaceRef==${ref} or equipRef->spaceRef==${ref}`, ids: [], list: "" });
  else if ("equip" in record)
    go({ filter: `point and equipRef==${ref}`, ids: [], list: "" });
  else go({ ids: [id], list: "" });
}

/**
 * Show the points of a site or of equipment, on a chart if they have a history.
 *
 * @param {Rec} record
 */
async function chartPointsOf(record) {
  const ref = filterId(record.id.val);
  if (!ref) return;
  const filter = `point and ${"site" in record ? "siteRef" : "equipRef"}==${ref}`;
  const request = gridOf([{ filter: `${filter} and his`, limit: MOST_POINTS }]);
  const { rows } = await live.call("read", request);
  const ids = /** @type {Rec[]} */ (rows).map(({ id }) => id.val);
  go({ filter, reading: "", ids });
}

/**
 * A list whose module is loaded when it is opened for the first time.
 *
 * @param {() => Promise<{open: (shown: View) => unknown, close: () => void}>} load
 */
function laterList(load) {
  const list = new Later(load);
  return {
    open: (/** @type {View} */ shown) => list.use((it) => it.open(shown)),
    close: () => list.ifUsed((it) => it.close()),
  };
}

const isNarrow = () => matchMedia("(max-width: 50rem)").matches;

// -- the connection ---------------------------------------------------------------

/** @param {Status} status */
function showStatus({ state, code, reason }) {
  connection.dataset.state = state;
  connectionText.textContent = {
    connecting: gettext("Connecting"),
    open: gettext("Live"),
    waiting: gettext("Connection lost, trying again"),
    closed:
      code === NOT_LOGGED_IN
        ? gettext("Not logged in")
        : reason || gettext("Not connected"),
  }[state];
  showLoginLink();
  if (state !== "open") return;
  tree.start();
  detail.refresh();
}

function showLoginLink() {
  connection.querySelector("a")?.remove();
  const href = loginUrl();
  if (connection.dataset.state === "closed" && href)
    connection.append(element("a", { href, text: gettext("Log in") }));
}

byId("search", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  search.forget();
  go({ filter: filterInput.value.trim() || FIRST_FILTER, reading: "" });
});
chartFirst.addEventListener("click", () =>
  go({ ids: table.charted(MOST_POINTS), list: "" }),
);
for (const list of /** @type {const} */ (["overrides", "trash", "writes", "add"]))
  byId(`show-${list}`, HTMLButtonElement).addEventListener("click", () =>
    go(list === "add" ? { list, ids: [] } : { list }),
  );
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && (view.ids.length || view.list)) dismiss();
});
onUnits(() => {
  table.redraw();
  detail.showUnits();
});
addEventListener("popstate", followAddress);
addEventListener("online", () => live.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
for (const [format, link] of Object.entries(files))
  link.addEventListener("click", (event) => {
    if (!Object.keys(view.only).length) return;
    event.preventDefault();
    saveShown(format);
  });
const examples = document.querySelectorAll("#examples option");
new Combobox(filterInput, {
  suggest: completionOf([...examples].map((one) => one.getAttribute("value") ?? "")),
});
if (isNarrow()) places.open = false;
if (!new URLSearchParams(location.search).has("columns"))
  history.replaceState(
    null,
    "",
    `?${searchOf({ ...view, columns: savedColumns() })}${location.hash}`,
  );
markTree(tree.list);
followAddress();
