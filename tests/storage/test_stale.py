"""The storage contract: current values that are too old have the status stale."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, DateTime, Number
from haystack_app.stale_sweep import StaleSweep
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.freshness import period_of
from tests.patience import eventually
from tests.storage.building import at, point

NOON = at("2024-03-01 12:00").utc
ONE = Number(1)
MINUTE = dt.timedelta(minutes=1)
QUARTER = 15 * MINUTE


def load(store: StorageAdapter, **tags: Any) -> None:
    store.load_entities([point(cur=MARKER, **({"sensor": MARKER} | tags))])


def samples(
    store: StorageAdapter,
    count: int = 20,
    step: dt.timedelta = QUARTER,
    end: dt.datetime = NOON,
    val: Any = ONE,
    now: dt.datetime = NOON,
) -> None:
    times = [end - step * n for n in range(count)]
    store.his_write("p", [(DateTime(ts, "New_York"), val) for ts in times], now)


def cur(store: StorageAdapter, now: dt.datetime, val: Any = ONE) -> None:
    store.cur_write({"p": Current(val)}, now)


def sweep(store: StorageAdapter, now: dt.datetime) -> int:
    sweeper = StaleSweep(store, rest_seconds=0)
    return sweeper.tick(now)


def status(store: StorageAdapter) -> Any:
    return store.existing("p").get("curStatus")


def version(store: StorageAdapter) -> int:
    return store.versions(store.parsed("point"))["p"]


def test_a_periodic_history(store: StorageAdapter) -> None:
    load(store)
    samples(store)
    assert status(store) == "ok"
    assert sweep(store, NOON + 45 * MINUTE) == 0
    assert sweep(store, NOON + 46 * MINUTE) == 1
    assert status(store) == "stale"
    record = store.existing("p")
    assert record["curVal"] == Number(1)
    assert record["hisPeriod"] == Number(900, "sec")
    samples(store, 1, end=NOON + 60 * MINUTE, now=NOON + 60 * MINUTE)
    assert status(store) == "ok"


def test_it_is_marked_once(store: StorageAdapter) -> None:
    load(store)
    samples(store)
    before = version(store)
    assert sweep(store, NOON + 50 * MINUTE) == 1
    assert version(store) == before + 1
    assert sweep(store, NOON + 51 * MINUTE) == 0
    assert version(store) == before + 1


def test_a_quarter_of_an_hour_at_least(store: StorageAdapter) -> None:
    load(store)
    samples(store, step=MINUTE)
    assert sweep(store, NOON + 15 * MINUTE) == 0
    assert sweep(store, NOON + 16 * MINUTE) == 1


def test_old_samples_are_not_ok(store: StorageAdapter) -> None:
    load(store)
    samples(store, now=NOON + dt.timedelta(days=10))
    assert status(store) == "stale"


def test_one_old_sample(store: StorageAdapter) -> None:
    load(store, hisStaleTime=Number(1, "day"))
    samples(store, 1, now=NOON + dt.timedelta(days=10))
    assert status(store) == "stale"


def test_an_equal_value_is_fresh(store: StorageAdapter) -> None:
    load(store)
    samples(store)
    for minutes in range(5, 120, 5):
        cur(store, NOON + minutes * MINUTE)
        assert sweep(store, NOON + minutes * MINUTE) == 0
    assert sweep(store, NOON + 150 * MINUTE) == 0
    assert sweep(store, NOON + 163 * MINUTE) == 1
    cur(store, NOON + 170 * MINUTE)
    assert status(store) == "ok"
    assert sweep(store, NOON + 180 * MINUTE) == 0


def test_few_notes_of_equal_values(store: StorageAdapter) -> None:
    load(store)
    cur(store, NOON)
    before = version(store)
    for second in range(0, 60, 5):
        cur(store, NOON + second * dt.timedelta(seconds=1))
    assert version(store) == before


@pytest.mark.parametrize(
    "tags",
    [
        {"kind": "Bool"},
        {"kind": "Str"},
        {"hisCollectCov": MARKER},
        {"hisMode": "cov"},
        {"sensor": None, "sp": MARKER},
        {"sensor": None, "cmd": MARKER},
    ],
)
def test_never_by_itself(store: StorageAdapter, tags: dict[str, Any]) -> None:
    load(store, **tags)
    values = {"Bool": True, "Str": "x"}
    val = values.get(tags.get("kind", ""), Number(1))
    samples(store, val=val)
    cur(store, NOON, val)
    assert sweep(store, NOON + dt.timedelta(days=10)) == 0
    assert status(store) == "ok"


def test_points_without_a_periodic_history(store: StorageAdapter) -> None:
    load(store)
    cur(store, NOON)
    assert sweep(store, NOON + dt.timedelta(days=10)) == 0
    for number in range(30):
        samples(store, 1, end=NOON - (2**number % 97) * number * MINUTE)
    assert sweep(store, NOON + dt.timedelta(days=10)) == 0


@pytest.mark.parametrize("kind", ["Bool", "Number"])
def test_a_time_of_its_own(store: StorageAdapter, kind: str) -> None:
    val = True if kind == "Bool" else Number(1)
    load(store, kind=kind, his=None, sensor=None, hisStaleTime=Number(10, "min"))
    cur(store, NOON, val)
    assert sweep(store, NOON + 10 * MINUTE) == 0
    assert sweep(store, NOON + 11.1 * MINUTE) == 1
    assert status(store) == "stale"


def test_an_impossible_time(store: StorageAdapter) -> None:
    load(store, hisStaleTime="soon")
    samples(store)
    cur(store, NOON)
    assert sweep(store, NOON + dt.timedelta(days=10)) == 0


@pytest.mark.parametrize("held", ["fault", "down", "disabled", "unknown"])
def test_what_a_connector_says_stays(store: StorageAdapter, held: str) -> None:
    load(store, hisStaleTime=Number(10, "min"))
    store.cur_write({"p": Current(Number(1), held)}, NOON)
    assert sweep(store, NOON + dt.timedelta(days=10)) == 0
    assert status(store) == held


def test_a_commit_of_a_value(store: StorageAdapter) -> None:
    load(store, curVal=Number(1), curStatus="ok", hisStaleTime=Number(10, "min"))
    assert sweep(store, dt.datetime.now(dt.UTC)) == 0
    assert sweep(store, dt.datetime.now(dt.UTC) + 20 * MINUTE) == 1


def test_a_stale_point_logs_na(store: StorageAdapter) -> None:
    tags = {"hisCollectCov": MARKER, "hisCollectNA": MARKER}
    load(store, hisStaleTime=Number(10, "min"), **tags)
    cur(store, NOON)
    assert sweep(store, NOON + 20 * MINUTE) == 1
    assert [row["val"] for row in store.his_read("p")] == [Number(1), NA]


def test_many_points_in_pages(store: StorageAdapter) -> None:
    ids = [f"p{number:04}" for number in range(1_203)]
    tags = {"cur": MARKER, "hisStaleTime": Number(1, "min")}
    store.load_entities([point(id, **tags) for id in ids])
    store.cur_write({id: Current(Number(1)) for id in ids}, NOON)
    sweeper = StaleSweep(store, rest_seconds=0)
    found = (sweeper.tick(NOON + 5 * MINUTE) for _ in itertools.count())
    assert sum(itertools.takewhile(bool, found)) == len(ids)


def test_one_process_sweeps(store: StorageAdapter) -> None:
    load(store, hisStaleTime=Number(1, "min"))
    cur(store, NOON)
    first, second = StaleSweep(store, 0), StaleSweep(store, 0)
    first.tick(NOON)
    if store.shared:
        assert second.tick(NOON + 0.4 * MINUTE) == 0
    eventually(lambda: first.tick(NOON + 5 * MINUTE) == 1)
    assert second.tick(NOON + 6 * MINUTE) == 0


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([15] * 10, 15),
        ([15] * 4 + [600] + [14, 16] * 4, 15),
        ([1, 50] * 50, None),
        ([15] * 3, None),
    ],
)
def test_the_usual_interval(steps: list[int], expected: int | None) -> None:
    assert period_of([0, *itertools.accumulate(steps)]) == expected
