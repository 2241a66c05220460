/**
 * The page of an entity in the admin: its chart, and the tree of all entities.
 *
 * @module
 */

import { checkedComparison } from "../charts/comparison.js";
import { checkedRange } from "../charts/ranges.js";
import { History } from "../explorer/history.js";
import { Tree } from "../explorer/tree.js";
import { Live } from "../live.js";
import { byId } from "../shared/elements.js";
import { adminUrl, explorerUrl, websocketUrl } from "../shared/urls.js";

/** @import { Shown } from "../charts/trend.js" */

const entity = byId("entity", HTMLElement);
const { id = "", entities = "" } = entity.dataset;

const live = new Live({
  url: websocketUrl(),
  onStatus: ({ state }) => {
    if (state === "open") start();
  },
});
const tree = new Tree(byId("tree", HTMLElement), byId("tree-note", HTMLElement), {
  call: live.call.bind(live),
  onSelect: (record) => location.assign(adminUrl(entities, record.id.val)),
  onGroup: (filter) =>
    location.assign(`${entities}?${new URLSearchParams({ q: filter })}`),
});
tree.reveal(id);

/** A point has a place for its chart. */
const history =
  document.getElementById("history") &&
  new History(live.call.bind(live), {
    onRange: (range) => go({ range }),
    onZone: (zone) => go({ zone }),
    onCompare: (comparison) => go({ comparison }),
    onRemove: () => {},
  });
const watch =
  history &&
  live.watch(
    { ids: [id], dis: "admin: chart" },
    {
      onRecords: (records) => {
        show();
        for (const record of records) history.update(record);
      },
    },
  );

function start() {
  tree.start();
  history?.load();
}

/** @returns {Shown} */
function shown() {
  const query = new URLSearchParams(location.search);
  return {
    range: checkedRange(query.get("range") ?? ""),
    zone: query.get("tz") === "browser" ? "browser" : "point",
    comparison: checkedComparison(query.get("compare") ?? ""),
  };
}

/** @param {Partial<Shown>} change */
function go(change) {
  const { range, zone, comparison } = { ...shown(), ...change };
  const address = new URL(location.href);
  address.search = new URLSearchParams({
    range,
    tz: zone,
    compare: comparison,
  }).toString();
  window.history.pushState(null, "", address);
  show();
}

function show() {
  if (!history || !watch) return;
  const { range, zone, comparison } = shown();
  history.show([...watch.records.values()], { range, zone, comparison });
  const link = byId("explore", HTMLAnchorElement);
  link.href = explorerUrl("", { id, range, tz: zone, compare: comparison });
}

addEventListener("popstate", show);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.wake();
});
