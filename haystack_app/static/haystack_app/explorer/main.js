/**
 * The explorer: what matches a filter, live.
 *
 * @module
 */

import { Live } from "../live.js";
import { Detail } from "./detail.js";
import { byId, element } from "./elements.js";
import { ValueTable } from "./table.js";
import { Tree } from "./tree.js";
import { filterId } from "./values.js";

const FIRST_FILTER = "point and cur";
const { project, logIn } = document.body.dataset;

/** @type {any} The watch whose records are shown. */
let shown = null;
/** @type {any} A watch of another filter that has not begun yet. */
let next = null;
/** An id to be looked at as soon as it is there. */
let wanted = "";

const live = new Live({ project, onStatus: showStatus });
const call = (/** @type {string} */ op, /** @type {any} */ grid) => live.call(op, grid);
const table = new ValueTable(byId("values").tBodies[0], byId("more"), pick);
const detail = new Detail(call, closed, (id) => table.focus(id));
const tree = new Tree(byId("tree"), byId("tree-note"), { call, onPlace: goTo });

// -- watching -------------------------------------------------------------------

/** @param {string} filter */
function watch(filter) {
  next?.close();
  byId("problem").textContent = "";
  const made = live.watch(
    { filter, dis: "explorer" },
    {
      onRecords: (records, gone) => {
        if (made !== shown) begin(made);
        update(records, gone);
      },
      onEnd: (reason) => {
        if (made === next) next = null;
        byId("problem").textContent = reason;
      },
    },
  );
  next = made;
}

/** @param {any} made A watch that takes the place of the one before. */
function begin(made) {
  shown?.close();
  shown = made;
  next = null;
  byId("problem").textContent = "";
  table.clear();
  if (detail.id && !made.records.has(detail.id)) detail.close();
}

/**
 * @param {Record<string, any>[]} records
 * @param {string[]} gone
 */
function update(records, gone) {
  table.update(records, gone);
  const { size } = shown.records;
  byId("count").textContent =
    `${size.toLocaleString("en")} ${size === 1 ? "matches" : "match"}`;
  if (detail.id && gone.includes(detail.id)) detail.close();
  const looked = records.find((record) => record.id.val === detail.id);
  if (looked) detail.update(looked);
  if (wanted && shown.records.has(wanted)) pick(wanted);
}

// -- what is looked at ------------------------------------------------------------

/** @param {string} id */
function pick(id) {
  wanted = "";
  const record = shown?.records.get(id);
  if (!record) return;
  document.body.classList.add("with-detail");
  table.pick(id);
  detail.open(record);
}

function closed() {
  document.body.classList.remove("with-detail");
  table.pick("");
}

/** Where somebody went in the tree.
 * @param {Record<string, any>} record */
function goTo(record) {
  const id = record.id.val;
  const ref = filterId(id);
  if (!ref) return;
  if (isNarrow()) byId("places").open = false;
  const isPlace = "site" in record || "equip" in record;
  if (!isPlace && shown?.records.has(id)) pick(id);
  else if (!isPlace) go(`id==${ref}`, id);
  else go(`point and ${"site" in record ? "siteRef" : "equipRef"}==${ref}`);
}

/**
 * @param {string} filter
 * @param {string} [id] To be looked at.
 */
function go(filter, id = "") {
  const address = new URL(location.href);
  address.search = String(new URLSearchParams(id ? { filter, id } : { filter }));
  if (address.href !== location.href) history.pushState(null, "", address);
  follow();
}

/** What the address says. */
function follow() {
  const said = new URLSearchParams(location.search);
  const filter = said.get("filter")?.trim() || FIRST_FILTER;
  wanted = said.get("id") ?? "";
  byId("filter").value = filter;
  watch(filter);
  byId("connection").querySelector("a")?.replaceWith(logInLink()); // back to here
}

const isNarrow = () => matchMedia("(max-width: 50rem)").matches;

// -- the connection ---------------------------------------------------------------

/** @param {import("../live.js").Status} status */
function showStatus({ state, code, reason }) {
  const connection = byId("connection");
  connection.dataset.state = state;
  connection.firstElementChild.textContent = {
    connecting: "Connecting",
    open: "Live",
    waiting: "Connection lost, trying again",
    closed: code === 4401 ? "Not logged in" : reason || "Not connected",
  }[state];
  if (state === "closed") connection.append(logInLink());
  if (state !== "open") return;
  tree.start();
  detail.refresh();
}

function logInLink() {
  const next = encodeURIComponent(location.pathname + location.search);
  return element("a", { href: `${logIn}?next=${next}`, text: "Log in" });
}

byId("search").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  go(byId("filter").value.trim() || FIRST_FILTER);
});
addEventListener("popstate", follow);
addEventListener("online", () => live.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
if (isNarrow()) byId("places").open = false;
follow();
