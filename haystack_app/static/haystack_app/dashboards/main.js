/**
 * The page of a dashboard: live tiles with one range, and their editor.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { STEP, ZOOM } from "../charts/chart.js";
import { RangeBar } from "../charts/range_bar.js";
import { isCurrent, moved, rangeOf, scaled, spanOf } from "../charts/ranges.js";
import { Live } from "../live.js";
import { byId, element, setText } from "../shared/elements.js";
import { request } from "../shared/rest.js";
import { followUnitMenu } from "../shared/unit_menu.js";
import { onUnits } from "../shared/units.js";
import { dashboardUrl, loginUrl, websocketUrl } from "../shared/urls.js";
import { nameOf, textOf } from "../shared/values.js";
import { browserZone, zoneOf } from "../shared/zones.js";
import { Board } from "./board.js";
import { Editor } from "./editor.js";
import { Sources } from "./sources.js";
import { searchOf, viewOf } from "./view.js";
import { Wall } from "./wall.js";

/** @import { Rec, Status } from "../live.js" */
/** @import { Dashboard } from "./content.js" */
/** @import { View } from "./view.js" */

const NOT_LOGGED_IN = 4401;
const MOST_SUBJECTS = 500;
/** Milliseconds between two looks for new samples, and for changes of the dashboard. */
const RENEWAL = 300_000;

const { project = "", slug = "", mayChange } = document.body.dataset;
const connection = byId("connection", HTMLElement);
const problem = byId("problem", HTMLElement);
const subjects = byId("subject", HTMLSelectElement);

/** @type {Dashboard | null} */
let dashboard = null;
/** @type {View} */
let view = viewOf(location.search, "today");
/** @type {Rec[]} Entities to choose one of. */
let choices = [];
let city = "";
let leaveSubjects = () => {};

const live = new Live({ url: websocketUrl(project), onStatus: showStatus });
const sources = new Sources(live);
const bar = new RangeBar({
  onRange: (range) => go({ range }),
  onZone: (zone) => go({ zone }),
  onCompare: (comparison) => go({ comparison }),
  onMove: (direction) => go({ range: rangeOf(moved(span(), direction * STEP)) }),
  onZoom: (direction) =>
    go({ range: rangeOf(scaled(span(), direction > 0 ? ZOOM : 1 / ZOOM)) }),
});
const board = new Board(
  byId("sections", HTMLElement),
  {
    call: live.call.bind(live),
    sources,
    project,
    shown: () => ({ range: view.range, zone: view.zone, comparison: view.comparison }),
    rangeTitle: () => bar.title(),
    onRange: (range) => go({ range }),
    onZone: nameZone,
  },
  () => {
    editor?.decorate();
    wall.fit();
  },
);
const wall = new Wall((isWall) => go({ isWall }));
/** @type {Editor | null} */
const editor =
  mayChange === "true"
    ? new Editor(byId("editor", HTMLElement), byId("edit", HTMLButtonElement), {
        call: live.call.bind(live),
        range: () => view.range,
        onChange: (draft) => showContent(draft),
        onSave: save,
        onDelete: remove,
      })
    : null;

// -- what is shown ------------------------------------------------------------------

/** @param {Partial<View>} change */
function go(change) {
  const address = new URL(location.href);
  address.search = searchOf({ ...view, ...change }, usualRange());
  if (address.href !== location.href) history.pushState(null, "", address);
  followAddress();
}

const usualRange = () => dashboard?.range ?? "today";

function followAddress() {
  const before = view;
  view = viewOf(location.search, usualRange());
  wall.show(view.isWall);
  showBar();
  if (before.subject !== view.subject) showContent(dashboard);
  const kept = [before.range, before.zone, before.comparison].join();
  if (kept !== [view.range, view.zone, view.comparison].join()) board.follow();
}

/** @param {Dashboard | null} shown The dashboard, or what its editor makes of it. */
function showContent(shown) {
  if (!shown) return;
  setText(byId("title", HTMLElement), shown.title);
  document.title = `${shown.title} · ${gettext("Haystack server")}`;
  const { subject: filter = "" } = shown.content;
  followSubjects(filter);
  const chosen = choices.find(({ id }) => id.val === view.subject) ?? choices[0];
  byId("subject-label", HTMLElement).hidden = !filter || choices.length < 2;
  subjects.replaceChildren(
    ...choices.map((record) =>
      element("option", { value: record.id.val, text: nameOf(record) }),
    ),
  );
  if (chosen) subjects.value = chosen.id.val;
  if (!filter || chosen) board.show(shown.content, filter ? chosen : undefined);
}

/** @type {string} */
let followed = "";

/** @param {string} filter */
function followSubjects(filter) {
  if (filter === followed) return;
  followed = filter;
  leaveSubjects();
  choices = [];
  leaveSubjects = filter
    ? sources.follow(filter, {
        onRecords: (records) => {
          const ids = choices.map(({ id }) => id.val).join();
          choices = [...records.values()]
            .sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }))
            .slice(0, MOST_SUBJECTS);
          if (!choices.length) say(gettext("Nothing matches %(filter)s.", { filter }));
          else if (ids !== choices.map(({ id }) => id.val).join())
            showContent(editor?.draft ?? dashboard);
        },
        onEnd: say,
      })
    : () => {};
}

const ownZone = () => zoneOf(city) || browserZone();
const span = () =>
  spanOf(view.range, view.zone === "browser" ? browserZone() : ownZone());

function showBar() {
  bar.show(view.range, view.zone, {
    ...{ own: ownZone(), city, span: span() },
    comparison: view.comparison,
  });
}

/** @param {Rec} record The first point of a chart. */
function nameZone(record) {
  if (city || record.tz == null) return;
  city = textOf(record.tz);
  showBar();
}

/** @param {string} text */
function say(text) {
  setText(problem, text);
}

// -- the dashboard --------------------------------------------------------------------

/** Read it, unless it is being edited; it may have been changed by others. */
async function load() {
  if (editor?.draft) return;
  try {
    const read = await request("GET", dashboardUrl(slug));
    // an edit may have begun meanwhile
    if (editor?.draft || dashboard?.version === read.version) return;
    dashboard = read;
    view = viewOf(location.search, usualRange());
    editor?.take(read);
    say("");
    wall.show(view.isWall);
    showBar();
    showContent(read);
  } catch (error) {
    if (!dashboard) say(/** @type {Error} */ (error).message);
  }
}

/** @param {Dashboard} draft */
async function save(draft) {
  const { title, groups, everyone, range, content, version } = draft;
  const body = { title, groups, everyone, range, content, version };
  dashboard = /** @type {Dashboard} */ (
    await request("PATCH", dashboardUrl(slug), body)
  );
  editor?.take(dashboard);
  showContent(dashboard);
}

async function remove() {
  await request("DELETE", dashboardUrl(slug));
  location.assign(new URL("..", location.href.split("?")[0]));
}

// -- the connection -------------------------------------------------------------------

/** @param {Status} status */
function showStatus({ state, code, reason }) {
  connection.dataset.state = state;
  byId("connection-text", HTMLElement).textContent = {
    connecting: gettext("Connecting"),
    open: gettext("Live"),
    waiting: gettext("Connection lost, trying again"),
    closed:
      code === NOT_LOGGED_IN
        ? gettext("Not logged in")
        : reason || gettext("Not connected"),
  }[state];
  connection.querySelector("a")?.remove();
  if (state === "closed" && loginUrl())
    connection.append(element("a", { href: loginUrl(), text: gettext("Log in") }));
  if (state === "open") renew();
}

/** Samples and changes may have been missed. */
function renew() {
  load();
  board.follow();
}

setInterval(() => {
  if (!document.hidden && isCurrent(view.range)) renew();
}, RENEWAL);
subjects.addEventListener("change", () => go({ subject: subjects.value }));
byId("wall", HTMLElement).addEventListener("click", () => go({ isWall: true }));
followUnitMenu(byId("units", HTMLDetailsElement), byId("unit-choices", HTMLElement));
onUnits(() => board.follow());
addEventListener("popstate", followAddress);
addEventListener("online", () => live.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
load();
