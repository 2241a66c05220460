"""The storage contract: current values become samples, by the tags of the point."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from haystack_app.collector import Collector
from haystack_app.kinds import MARKER, NA, DateTime, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from tests.storage.building import at, history, point

NOON = at("2024-03-01 12:00").utc
SECOND = dt.timedelta(seconds=1)


def load(store: StorageAdapter, **tags: Any) -> None:
    store.load_entities([point(cur=MARKER, **tags)])


def write(store: StorageAdapter, seconds: float, val: Any, **more: Any) -> None:
    store.cur_write({"p": Current(val, **more)}, NOON + seconds * SECOND)


def logged(store: StorageAdapter, id: str = "p") -> list[tuple[float, Any]]:
    """Seconds after noon, and value, of each sample."""
    return [
        ((row["ts"].utc - NOON).total_seconds(), _plain(row["val"]))
        for row in store.his_read(id)
    ]


def _plain(value: Any) -> Any:
    return value.val if isinstance(value, Number) else value


def n(val: float) -> Number:
    return Number(val)


# -- changes of the value ---------------------------------------------------------


def test_any_change(store: StorageAdapter) -> None:
    load(store, hisCollectCov=MARKER, hisCollectCovRateLimit=Number(0, "sec"))
    for second, val in enumerate([1, 1, 2, 2, 1]):
        write(store, second, n(val))
    assert logged(store) == [(0, 1), (2, 2), (4, 1)]
    record = store.existing("p")
    assert record["hisSize"].val == 3
    assert record["hisEndVal"] == n(1)
    assert record["hisStatus"] == "ok"


def test_a_tolerance(store: StorageAdapter) -> None:
    load(store, hisCollectCov=n(0.1), hisCollectCovRateLimit=Number(0, "sec"))
    for second, val in enumerate([0.2, 0.25, 0.3, 0.21, 0.15]):
        write(store, second, n(val))
    assert logged(store) == [(0, 0.2), (2, 0.3), (4, 0.15)]


@pytest.mark.parametrize(
    ("kind", "values"), [("Bool", [True, True, False]), ("Str", ["a", "a", "b"])]
)
def test_other_kinds(store: StorageAdapter, kind: str, values: list[Any]) -> None:
    load(store, kind=kind, hisCollectCov=MARKER)
    for second, val in enumerate(values):
        write(store, second, val)
    assert logged(store) == [(0, values[0]), (2, values[2])]


def test_a_change_that_comes_too_soon_is_logged_later(store: StorageAdapter) -> None:
    load(store, kind="Bool", hisCollectCov=MARKER)
    write(store, 0, True)
    write(store, 0.5, False)
    assert logged(store) == [(0, True)]
    assert store.collect_postponed(NOON + 0.9 * SECOND) == 0
    assert store.collect_postponed(NOON + 1.5 * SECOND) == 1
    assert logged(store) == [(0, True), (1.5, False)]
    assert store.collect_postponed(NOON + 60 * SECOND) == 0


def test_a_short_change_that_is_over(store: StorageAdapter) -> None:
    load(store, hisCollectCov=MARKER)  # a minute without hisCollectInterval
    for second, val in enumerate([1, 2, 1]):
        write(store, second, n(val))
    assert store.collect_postponed(NOON + 60 * SECOND) == 1
    assert logged(store) == [(0, 1)]
    assert store.collect_postponed(NOON + 60 * SECOND) == 0


def test_na_once_for_each_outage(store: StorageAdapter) -> None:
    tags = {"hisCollectCov": MARKER, "hisCollectNA": MARKER}
    load(store, hisCollectCovRateLimit=Number(0, "sec"), **tags)
    write(store, 0, n(1))
    write(store, 1, None, status="down")
    write(store, 2, n(3), status="fault")
    write(store, 3, n(1))
    write(store, 4, None, status="unknown")
    assert logged(store) == [(0, 1), (1, NA), (3, 1), (4, NA)]


def test_without_na_an_outage_logs_nothing(store: StorageAdapter) -> None:
    load(store, hisCollectCov=MARKER, hisCollectCovRateLimit=Number(0, "sec"))
    write(store, 0, n(1))
    write(store, 1, n(5), status="fault")
    write(store, 2, n(1))
    assert logged(store) == [(0, 1)]


def test_samples_of_the_future_do_not_count(store: StorageAdapter) -> None:
    load(store, hisCollectCov=MARKER)
    tomorrow = DateTime(NOON + dt.timedelta(days=1), "New_York")
    store.his_write("p", [(tomorrow, n(7))], NOON)
    write(store, 0, n(1))
    write(store, 61, n(1))
    write(store, 62, n(2))
    assert logged(store) == [(0, 1), (62, 2), (86_400, 7)]


def test_hiswrite_of_now_comes_first(store: StorageAdapter) -> None:
    load(store, hisCollectCov=MARKER)
    store.his_write("p", [(DateTime(NOON, "New_York"), n(7))], NOON)
    write(store, 1, n(1))
    assert logged(store) == [(0, 7)]
    store.collect_postponed(NOON + 60 * SECOND)
    assert logged(store) == [(0, 7), (60, 1)]


# -- every way of writing -----------------------------------------------------------


def values(store: StorageAdapter) -> list[Any]:
    return [_plain(row["val"]) for row in store.his_read("p")]


AT_ONCE = {"hisCollectCov": MARKER, "hisCollectCovRateLimit": Number(0, "sec")}


def test_commit(store: StorageAdapter) -> None:
    changes = store.load_entities(
        [point(cur=MARKER, curVal=n(1), **AT_ONCE)], returning=True
    )
    assert changes.records["p"]["hisSize"].val == 1
    store.load_entities([point(cur=MARKER, curVal=n(1), **AT_ONCE)])
    time.sleep(0.002)
    store.load_entities([point(cur=MARKER, curVal=n(2), dis="P", **AT_ONCE)])
    assert values(store) == [1, 2]


def test_update_transient(store: StorageAdapter) -> None:
    load(store, **AT_ONCE)
    id = {"id": store.existing("p")["id"]}
    for val in (1, 1, 2):
        store.update_transient([{**id, "curVal": n(val)}], force=True)
        time.sleep(0.002)  # two samples cannot have one time
    assert values(store) == [1, 2]


def test_point_write_that_is_tracked(store: StorageAdapter) -> None:
    load(store, writable=MARKER, curTracksWrite=MARKER, **AT_ONCE)
    store.point_write("p", 16, n(1), "joe")
    store.point_write("p", 17, n(9), "joe")
    time.sleep(0.002)
    store.point_write("p", 16, None, "joe")
    assert values(store) == [1, 9]


def test_a_failed_write_leaves_no_sample(store: StorageAdapter) -> None:
    load(store, **AT_ONCE)
    with pytest.raises(RuntimeError), store.locked(["p"]):
        write(store, 0, n(1))
        raise RuntimeError
    assert values(store) == []
    assert "curVal" not in store.existing("p")


def test_points_without_the_tags(store: StorageAdapter) -> None:
    load(store)
    write(store, 0, n(1))
    assert values(store) == []


def test_a_connector_syncs_the_history(store: StorageAdapter) -> None:
    load(store, hisSync=MARKER, hisCollectInterval=Number(1, "min"), **AT_ONCE)
    write(store, 0, n(1))
    Collector(store).tick(NOON)
    assert values(store) == []


# -- aligned times ------------------------------------------------------------------


def every(store: StorageAdapter, size: float, unit: str, **tags: Any) -> Collector:
    load(store, hisCollectInterval=Number(size, unit), **tags)
    return Collector(store, check_seconds=0)


def test_the_interval(store: StorageAdapter) -> None:
    collector = every(store, 15, "min")
    write(store, -5, n(1))
    collector.tick(NOON - SECOND)
    assert logged(store) == []
    for second in range(4):
        collector.tick(NOON + second * SECOND)
    write(store, 10, n(2))
    collector.tick(NOON + 900.5 * SECOND)
    collector.tick(NOON + 901.5 * SECOND)
    assert logged(store) == [(0, 1), (900, 2)]


def test_two_processes_log_once(store: StorageAdapter) -> None:
    collector = every(store, 1, "min")
    other = Collector(store, check_seconds=0)
    write(store, -5, n(1))
    for second in range(30):
        collector.tick(NOON + second * SECOND)
        write(store, second, n(second))
        other.tick(NOON + second * SECOND)
    assert logged(store) == [(0, 1)]


def test_missed_times_are_not_made_up(store: StorageAdapter) -> None:
    collector = every(store, 15, "min")
    write(store, -5, n(1))
    collector.tick(NOON + 61 * SECOND)
    Collector(store).tick(NOON + 61 * SECOND)
    assert logged(store) == []


def test_both(store: StorageAdapter) -> None:
    collector = every(store, 10, "min", hisCollectCov=n(5))
    write(store, 0.2, n(1))  # the rate is limited to a minute
    collector.tick(NOON + SECOND)
    write(store, 30, n(8))
    write(store, 61, n(9))
    collector.tick(NOON + 600 * SECOND)
    assert logged(store) == [(0, 1), (0.2, 1), (61, 9), (600, 9)]


def test_hiswrite_within_the_interval(store: StorageAdapter) -> None:
    collector = every(store, 1, "min")
    store.his_write("p", [(DateTime(NOON - SECOND, "New_York"), n(7))], NOON)
    write(store, 0, n(1))
    collector.tick(NOON)
    collector.tick(NOON + 60 * SECOND)
    assert logged(store) == [(-1, 7), (60, 1)]


def test_na_at_each_time(store: StorageAdapter) -> None:
    collector = every(store, 1, "min", hisCollectNA=MARKER)
    write(store, 0, None, status="down")
    collector.tick(NOON)
    collector.tick(NOON + 60 * SECOND)
    assert logged(store) == [(0, NA), (60, NA)]


def test_days_of_another_zone_and_clock_changes(store: StorageAdapter) -> None:
    load(store, tz="Sao_Paulo", hisCollectInterval=Number(1, "day"))
    collector = Collector(store, check_seconds=0)
    write(store, 0, n(1))
    # midnight was skipped on 2018-11-04
    start = dt.datetime(2018, 11, 3, 2, 30, tzinfo=dt.UTC)
    for step in range(48 * 2):
        collector.tick(start + step * dt.timedelta(minutes=30))
    found = [ts for ts, _ in history(store)]
    assert found == [
        "2018-11-03T00:00:00-03:00",
        "2018-11-04T01:00:00-02:00",
        "2018-11-05T00:00:00-02:00",
    ]


def test_an_hour_that_occurs_twice(store: StorageAdapter) -> None:
    collector = every(store, 1, "hr")
    write(store, 0, n(1))
    start = dt.datetime(2024, 11, 3, 4, 0, tzinfo=dt.UTC)  # New_York
    for step in range(4 * 4):
        collector.tick(start + step * dt.timedelta(minutes=15))
    assert [ts for ts, _ in history(store)] == [
        "2024-11-03T00:00:00-04:00",
        "2024-11-03T01:00:00-04:00",
        "2024-11-03T01:00:00-05:00",
        "2024-11-03T02:00:00-05:00",
    ]


# -- tags that ask for what is impossible ---------------------------------------------


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"hisCollectInterval": Number(7, "min")}, "divide an hour"),
        ({"hisCollectInterval": Number(90, "min")}, "divide a day"),
        ({"hisCollectInterval": Number(15)}, "not 15"),
        ({"hisCollectInterval": MARKER}, "such as 15min"),
        ({"hisCollectCov": "1"}, "a marker or a Number"),
        ({"hisCollectCov": Number(-1)}, "0 or more"),
        ({"hisCollectCov": Number(1, "kW")}, "in no unit"),
        ({"hisCollectCov": Number(1), "kind": "Bool"}, "kind Number"),
        ({"hisCollectCov": MARKER, "hisCollectCovRateLimit": Number(2, "day")}, "day"),
        ({"hisCollectCov": MARKER, "tz": "Nowhere"}, "time zone"),
    ],
)
def test_impossible(store: StorageAdapter, tags: dict[str, Any], words: str) -> None:
    load(store, **tags)
    record = store.existing("p")
    assert record["hisStatus"] == "fault"
    assert words in record["hisErr"]
    assert record["hisErr"].startswith("hisCollect")
    if tags.get("kind") != "Bool":
        write(store, 0, n(1))
    Collector(store).tick(NOON)
    store.load_entities([point(cur=MARKER, hisCollectCov=MARKER)])
    record = store.existing("p")
    assert (record["hisStatus"], record.get("hisErr")) == ("ok", None)
    store.load_entities([point(cur=MARKER)])
    assert store.existing("p")["hisStatus"] == "ok"


def test_a_current_value_that_cannot_be_a_sample(store: StorageAdapter) -> None:
    store.load_entities([point(cur=MARKER, curVal="text", **AT_ONCE)])
    record = store.existing("p")
    assert record["hisStatus"] == "fault"
    assert "must be a Number" in record["hisErr"]
    write(store, 0, n(1))
    assert logged(store) == [(0, 1)]
    assert store.existing("p")["hisStatus"] == "ok"
