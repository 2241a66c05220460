/** Ranges of charts, in time zones, and the address that has them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  searchOf,
  viewOf,
} from "../../haystack_app/static/haystack_app/explorer/address.js";
import {
  PERIODS,
  checkedRange,
  daysOf,
  moved,
  rangeEndingAt,
  rangeOf,
  scaled,
  spanOf,
} from "../../haystack_app/static/haystack_app/charts/ranges.js";
import {
  dayAt,
  instantAt,
  isoIn,
  timeLabels,
  wallOf,
  zoneOf,
} from "../../haystack_app/static/haystack_app/shared/zones.js";

const NEW_YORK = "America/New_York";
const HOUR = 3_600_000;
/** Thursday. */
const NOW = Date.parse("2026-11-26T15:30:00Z");

test("cities are zones, also under old and new names", () => {
  assert.equal(zoneOf("New_York"), NEW_YORK);
  assert.equal(zoneOf("UTC"), "UTC");
  assert.equal(zoneOf("GMT+5"), "Etc/GMT+5");
  for (const city of ["Calcutta", "Kolkata"])
    assert.equal(isoIn(NOW, zoneOf(city)), "2026-11-26T21:00:00+05:30");
  assert.equal(zoneOf("Atlantis"), "");
  assert.equal(zoneOf(""), "");
});

test("clocks show a time once, twice, or never", () => {
  const at = (/** @type {string} */ wall, /** @type {string} */ zone) =>
    isoIn(instantAt(wall, zone), zone);
  assert.equal(at("2026-07-01T12:00", NEW_YORK), "2026-07-01T12:00:00-04:00");
  assert.equal(at("2026-12-31T23:59:59", NEW_YORK), "2026-12-31T23:59:59-05:00");
  assert.equal(at("2026-11-01T01:30", NEW_YORK), "2026-11-01T01:30:00-04:00");
  assert.equal(at("2026-11-01T02:30", NEW_YORK), "2026-11-01T02:30:00-05:00");
  assert.equal(at("2026-11-01T00:30", NEW_YORK), "2026-11-01T00:30:00-04:00");
  assert.equal(at("2026-03-08T02:30", NEW_YORK), "2026-03-08T03:30:00-04:00");
  assert.equal(at("2026-03-08T01:30", NEW_YORK), "2026-03-08T01:30:00-05:00");
  assert.equal(at("2026-03-08T03:30", NEW_YORK), "2026-03-08T03:30:00-04:00");
  assert.equal(at("2026-01-01T00:00", zoneOf("Kolkata")), "2026-01-01T00:00:00+05:30");
  assert.equal(at("1969-12-31T23:00", "UTC"), "1969-12-31T23:00:00+00:00");
});

test("days begin at local midnight, or where the clocks skip it", () => {
  const at = (
    /** @type {number[]} */ [y = 0, m = 0, d = 0],
    /** @type {string} */ zone,
  ) => isoIn(dayAt(y, m, d, zone), zone);
  assert.equal(at([2026, 11, 26], NEW_YORK), "2026-11-26T00:00:00-05:00");
  assert.equal(at([2026, 3, 8], NEW_YORK), "2026-03-08T00:00:00-05:00");
  assert.equal(at([2026, 3, 9], NEW_YORK), "2026-03-09T00:00:00-04:00");
  assert.equal(at([2026, 13, 1], "UTC"), "2027-01-01T00:00:00+00:00");
  assert.equal(at([2018, 11, 4], "America/Sao_Paulo"), "2018-11-04T01:00:00-02:00");
  assert.equal(at([2026, 1, 1], "Asia/Kathmandu"), "2026-01-01T00:00:00+05:45");
});

test("every hour of two years has the wall clock that Intl shows", () => {
  for (const zone of [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe"]) {
    for (let at = Date.parse("2025-01-01T00:00:00Z"); at < NOW; at += 7 * HOUR) {
      assert.equal(Date.parse(isoIn(at, zone)), at);
      const { year, month, day } = wallOf(at, zone);
      const start = dayAt(year, month, day, zone);
      assert.ok(start <= at && at - start < 25 * HOUR, isoIn(at, zone));
      assert.equal(wallOf(start, zone).hour, 0);
    }
  }
});

/**
 * @param {string} range
 * @returns {string}
 */
function shown(range) {
  const { start, end } = spanOf(range, NEW_YORK, NOW);
  return `${isoIn(start, NEW_YORK)} ${isoIn(end, NEW_YORK)}`;
}

test("periods are those of calendars", () => {
  const days = {
    today: "2026-11-26T00:00:00-05:00 2026-11-27T00:00:00-05:00",
    yesterday: "2026-11-25T00:00:00-05:00 2026-11-26T00:00:00-05:00",
    "24h": "2026-11-25T10:30:00-05:00 2026-11-26T10:30:00-05:00",
    "7d": "2026-11-19T10:30:00-05:00 2026-11-26T10:30:00-05:00",
    "30d": "2026-10-27T11:30:00-04:00 2026-11-26T10:30:00-05:00",
    week: "2026-11-23T00:00:00-05:00 2026-11-30T00:00:00-05:00",
    lastWeek: "2026-11-16T00:00:00-05:00 2026-11-23T00:00:00-05:00",
    month: "2026-11-01T00:00:00-04:00 2026-12-01T00:00:00-05:00",
    lastMonth: "2026-10-01T00:00:00-04:00 2026-11-01T00:00:00-04:00",
    year: "2026-01-01T00:00:00-05:00 2027-01-01T00:00:00-05:00",
    lastYear: "2025-01-01T00:00:00-05:00 2026-01-01T00:00:00-05:00",
  };
  assert.deepEqual(Object.keys(days), Object.keys(PERIODS));
  for (const [range, expected] of Object.entries(days))
    assert.equal(shown(range), expected);
  const sunday = Date.parse("2026-11-29T20:00:00Z");
  assert.equal(
    spanOf("week", NEW_YORK, sunday).start,
    spanOf("week", NEW_YORK, NOW).start,
  );
});

test("days include the last one, instants are exact", () => {
  assert.equal(
    shown("2026-10-31..2026-11-01"),
    "2026-10-31T00:00:00-04:00 2026-11-02T00:00:00-05:00",
  );
  const range = "2026-11-01T10:00:00Z..2026-11-01T12:30:00Z";
  const span = spanOf(range, NEW_YORK);
  assert.equal(rangeOf(span), range);
  assert.deepEqual(daysOf(spanOf("today", NEW_YORK, NOW), NEW_YORK), [
    "2026-11-26",
    "2026-11-26",
  ]);
});

test("other texts are no ranges", () => {
  for (const text of ["", "tomorrow", "2026-11-01", "2026-11-02..2026-11-01", "<img>"])
    assert.equal(checkedRange(text), "today");
  for (const text of ["7d", "2026-11-01..2026-11-02"])
    assert.equal(checkedRange(text), text);
});

test("zooming keeps the moment that is pointed at", () => {
  const span = { start: 0, end: 100 * HOUR };
  assert.deepEqual(scaled(span, 0.5, 20 * HOUR), { start: 10 * HOUR, end: 60 * HOUR });
  assert.deepEqual(moved(span, -0.5), { start: -50 * HOUR, end: 50 * HOUR });
  const { start, end } = scaled(span, 1e-9);
  assert.equal(end - start, 10_000);
});

test("a range that shows old samples is as long as before", () => {
  const at = Date.parse("2026-11-16T03:00:00Z");
  const there = (/** @type {string} */ range) =>
    rangeEndingAt(range, NEW_YORK, at, NOW);
  assert.equal(there("today"), "2026-11-15..2026-11-15");
  assert.equal(there("7d"), "2026-11-09..2026-11-15");
  assert.ok(spanOf(there("24h"), NEW_YORK).end > at);
});

test("the time axis names the date once", () => {
  const hours = [0, 6, 12, 18, 24].map(
    (hour) => Date.UTC(2026, 10, 26) / 1000 + hour * 3600,
  );
  assert.deepEqual(timeLabels(hours, 6 * 3600, "UTC"), [
    "00:00\n26 Nov",
    "06:00",
    "12:00",
    "18:00",
    "00:00\n27 Nov",
  ]);
  assert.deepEqual(timeLabels(hours.slice(0, 1), 86_400, "UTC"), ["26 Nov\n2026"]);
});

test("the address has what is not so by itself", () => {
  const first = viewOf("");
  assert.equal(searchOf(first), "");
  const search =
    "filter=site&points=a%2Cb&range=7d&tz=browser&columns=siteRef%2Carea&sort=-area&only=siteRef%3Anorth%3A1";
  const view = viewOf(search);
  assert.deepEqual(view, {
    filter: "site",
    reading: "",
    ids: ["a", "b"],
    range: "7d",
    zone: "browser",
    comparison: "",
    list: "",
    columns: ["siteRef", "area"],
    sort: "-area",
    only: { siteRef: "north:1" },
  });
  assert.equal(searchOf(view), search);
  const odd = viewOf("?columns=area,Bad one,dis,area&sort=1&only=area&only=B:c");
  assert.deepEqual([odd.columns, odd.sort, odd.only], [["area"], "dis", {}]);
  assert.equal(
    searchOf({ ...first, ids: ["a"], list: "overrides" }),
    "id=a&list=overrides",
  );
  assert.deepEqual(viewOf("?points=a,a,b").ids, ["a", "b"]);
  assert.equal(
    viewOf(`?points=${Array.from({ length: 60 }, (_, n) => n)}`).ids.length,
    50,
  );
});
