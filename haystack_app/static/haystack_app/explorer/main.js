/**
 * The explorer: live values of the records that match a filter.
 *
 * @module
 */

import { Live } from "../live.js";
import { Detail } from "./detail.js";
import { byId, element } from "./elements.js";
import { ValueTable } from "./table.js";
import { Tree } from "./tree.js";
import { downloadUrl, loginUrl, websocketUrl } from "./urls.js";
import { filterId } from "./values.js";

/** @import { Rec, Status, Watch } from "../live.js" */

const FIRST_FILTER = "point and cur";
const NOT_LOGGED_IN = 4401;

const connection = byId("connection", HTMLElement);
const connectionText = byId("connection-text", HTMLElement);
const count = byId("count", HTMLElement);
const download = byId("download", HTMLAnchorElement);
const filterInput = byId("filter", HTMLInputElement);
const places = byId("places", HTMLDetailsElement);
const problem = byId("problem", HTMLElement);

/** @type {Watch | null} The watch whose records are shown. */
let shown = null;
/** @type {Watch | null} The watch of a new filter, before its first answer. */
let next = null;
/** Id of the record to select when it arrives. */
let wanted = "";

const live = new Live({
  url: websocketUrl(document.body.dataset.project),
  onStatus: showStatus,
});
/** @type {Live["call"]} */
const call = (op, grid) => live.call(op, grid);
const table = new ValueTable(
  byId("rows", HTMLTableSectionElement),
  byId("more", HTMLButtonElement),
  select,
);
const detail = new Detail(call, onDetailClosed, (id) => table.focus(id));
const tree = new Tree(byId("tree", HTMLElement), byId("tree-note", HTMLElement), {
  call,
  onSelect: goTo,
});

// -- watching -------------------------------------------------------------------

/** @param {string} filter */
function watch(filter) {
  next?.close();
  problem.textContent = "";
  const started = live.watch(
    { filter, dis: "explorer" },
    {
      onRecords: (records, gone) => {
        if (started !== shown) show(started);
        update(started, records, gone);
      },
      onEnd: (reason) => {
        if (started === next) next = null;
        problem.textContent = reason;
      },
    },
  );
  next = started;
}

/** @param {Watch} started Replaces the watch that is shown. */
function show(started) {
  shown?.close();
  shown = started;
  next = null;
  problem.textContent = "";
  table.clear();
  if (detail.id && !started.records.has(detail.id)) detail.close();
}

/**
 * @param {Watch} current
 * @param {Rec[]} records
 * @param {string[]} gone
 */
function update(current, records, gone) {
  table.update(records, gone);
  const { size } = current.records;
  count.textContent = `${size.toLocaleString("en")} ${size === 1 ? "match" : "matches"}`;
  if (detail.id && gone.includes(detail.id)) detail.close();
  const opened = records.find((record) => record.id.val === detail.id);
  if (opened) detail.update(opened);
  if (wanted && current.records.has(wanted)) select(wanted);
}

// -- selection --------------------------------------------------------------------

/** @param {string} id */
function select(id) {
  wanted = "";
  const record = shown?.records.get(id);
  if (!record) return;
  document.body.classList.add("with-detail");
  table.select(id);
  detail.open(record);
}

function onDetailClosed() {
  document.body.classList.remove("with-detail");
  table.select("");
}

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
  if ("site" in record) go(`point and siteRef==${ref}`);
  else if ("equip" in record) go(`point and equipRef==${ref}`);
  else if (shown?.records.has(id)) select(id);
  else go(`id==${ref}`, id);
}

/**
 * @param {string} filter
 * @param {string} [id] Record to select.
 */
function go(filter, id = "") {
  const address = new URL(location.href);
  address.search = String(new URLSearchParams(id ? { filter, id } : { filter }));
  if (address.href !== location.href) history.pushState(null, "", address);
  followAddress();
}

/** Watch and select what the query string of the page says. */
function followAddress() {
  const query = new URLSearchParams(location.search);
  const filter = query.get("filter")?.trim() || FIRST_FILTER;
  wanted = query.get("id") ?? "";
  filterInput.value = filter;
  download.href = downloadUrl(document.body.dataset.project, filter);
  watch(filter);
  showLoginLink(); // it leads back to the new address
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
  go(filterInput.value.trim() || FIRST_FILTER);
});
addEventListener("popstate", followAddress);
addEventListener("online", () => live.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
if (isNarrow()) places.open = false;
followAddress();
