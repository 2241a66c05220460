/**
 * The explorer: live values of the records that match a filter.
 *
 * The address of the page says what it shows. All that people choose goes there, and
 * the page follows it, so that every view can be sent to others, and Back works.
 *
 * @module
 */

import { Live, gridOf } from "../live.js";
import { FIRST_FILTER, MOST_POINTS, searchOf, viewOf } from "./address.js";
import { Detail } from "./detail.js";
import { byId, element } from "./elements.js";
import { Overrides } from "./overrides.js";
import { Search } from "./search.js";
import { ValueTable } from "./table.js";
import { Tree } from "./tree.js";
import { downloadUrl, loginUrl, websocketUrl } from "./urls.js";
import { filterId } from "./values.js";

/** @import { Rec, Status } from "../live.js" */
/** @import { View } from "./address.js" */

const NOT_LOGGED_IN = 4401;

const connection = byId("connection", HTMLElement);
const connectionText = byId("connection-text", HTMLElement);
const count = byId("count", HTMLElement);
const download = byId("download", HTMLAnchorElement);
const chartFirst = byId("chart-first", HTMLButtonElement);
const filterInput = byId("filter", HTMLInputElement);
const places = byId("places", HTMLDetailsElement);

const { project, user = "", mayWrite } = document.body.dataset;
const login = { user, mayWrite: mayWrite === "true" };
let view = viewOf(location.search);

const live = new Live({ url: websocketUrl(project), onStatus: showStatus });
const search = new Search(live, project, {
  onStart: () => table.clear(),
  onRecords: update,
  onGo: (filter, reading = "") => go({ filter, reading }),
});
const table = new ValueTable(
  byId("rows", HTMLTableSectionElement),
  byId("more", HTMLButtonElement),
  {
    onSelect: (id) => go({ ids: [id], list: "" }),
    onCheck: (id, isChecked) =>
      go({ ids: isChecked ? [...view.ids, id] : without(id), list: "" }),
    onMore: () => search.more(),
  },
);
const detail = new Detail(live, login, {
  onDismiss: dismiss,
  onRange: (range) => go({ range }),
  onZone: (zone) => go({ zone }),
  onRemove: (id) => go({ ids: without(id) }),
  onChart: chartPointsOf,
});
const overrides = new Overrides(live, {
  ...login,
  onSelect: (id) => go({ ids: [id], list: "" }),
  onDismiss: () => go({ list: "" }),
});
const tree = new Tree(byId("tree", HTMLElement), byId("tree-note", HTMLElement), {
  call: live.call.bind(live),
  onSelect: goTo,
});

// -- what is shown ------------------------------------------------------------------

/** @param {Partial<View>} change */
function go(change) {
  const next = { ...view, ...change };
  next.ids = next.ids.slice(0, MOST_POINTS);
  const address = new URL(location.href);
  address.search = searchOf(next);
  if (address.href !== location.href) history.pushState(null, "", address);
  followAddress();
}

/** Show what the query string of the page says. */
function followAddress() {
  view = viewOf(location.search);
  filterInput.value = view.filter;
  download.href = downloadUrl(project, view.filter);
  search.show(view);
  const isOpen = view.ids.length > 0 && !view.list;
  document.body.classList.toggle("with-detail", isOpen || view.list !== "");
  if (isOpen)
    detail.show(view, view.ids[1] ? undefined : search.record(view.ids[0] ?? ""));
  else detail.close();
  if (view.list) overrides.open();
  else overrides.close();
  table.mark(isOpen ? view.ids : []);
  showLoginLink(); // it leads back to the new address
}

/**
 * @param {Rec[]} records
 * @param {string[]} gone
 */
function update(records, gone) {
  table.update(records, gone, search.hasMore);
  const size = search.size.toLocaleString("en");
  count.textContent = search.hasMore
    ? `The first ${size} matches`
    : `${size} ${search.size === 1 ? "match" : "matches"}`;
  download.hidden = search.isByWords;
  chartFirst.hidden = !table.hasHistory();
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

const isNarrow = () => matchMedia("(max-width: 50rem)").matches;

// -- the connection ---------------------------------------------------------------

/** @param {Status} status */
function showStatus({ state, code, reason }) {
  connection.dataset.state = state;
  connectionText.textContent = {
    connecting: "Connecting",
    open: "Live",
    waiting: "Connection lost, trying again",
    closed: code === NOT_LOGGED_IN ? "Not logged in" : reason || "Not connected",
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
    connection.append(element("a", { href, text: "Log in" }));
}

byId("search", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  search.forget();
  go({ filter: filterInput.value.trim() || FIRST_FILTER, reading: "" });
});
chartFirst.addEventListener("click", () =>
  go({ ids: table.charted(MOST_POINTS), list: "" }),
);
byId("show-overrides", HTMLButtonElement).addEventListener("click", () =>
  go({ list: "overrides" }),
);
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && (view.ids.length || view.list)) dismiss();
});
addEventListener("popstate", followAddress);
addEventListener("online", () => live.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
if (isNarrow()) places.open = false;
followAddress();
