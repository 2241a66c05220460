"""How many statements a roll-up takes, and that unusual parts do not make more."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from haystack_app.folds.buckets import Interval
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.scalars import NA
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import at, point
from tests.storage.test_folds import BASE, check, written

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = BASE - BASE % DAY
FOLDS = ["twa", "delta", "last", "max", "count"]
LINEAR = Meaning("Number", "kW", is_linear=True)


def rollup(unit: str = "day", days: int = 6, meaning: Meaning = LINEAR) -> Rollup:
    interval = Interval.of(Number(1, unit))
    return Rollup(FOLDS, interval, "UTC", START, START + days * DAY, meaning)


def samples(first: float) -> list[tuple[int, Any]]:
    """Some are at the bounds of days, and a day has none."""
    hours = [hour for hour in range(-30, 200, 4) if not 48 <= hour < 96]
    return [(START + hour * HOUR, float(first + hour % 7)) for hour in hours]


def stored(store: OrmAdapter, histories: list[list[tuple[int, Any]]]) -> None:
    ids = [f"p{place}" for place in range(len(histories))]
    store.load_entities([point(id, tz="UTC") for id in ids])
    with store.locked(ids):
        batches = zip(ids, map(written, histories), strict=True)
        store.his_store(dict(batches))


def fold_all(store: OrmAdapter) -> None:
    while store.fold_dirty(1_000):
        continue


def statements(store: OrmAdapter, points: int, asked: Rollup) -> list[str]:
    with CaptureQueriesContext(store.samples) as captured:
        list(store.his_fold([(f"p{place}", asked) for place in range(points)]))
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("folded", [False, True])
def test_statements_do_not_grow_with_points(
    sql_store: OrmAdapter, *, folded: bool
) -> None:
    stored(sql_store, [samples(place) for place in range(12)])
    if folded:
        fold_all(sql_store)
    few, many = (statements(sql_store, points, rollup()) for points in (2, 12))
    assert len(few) == len(many)
    assert len(many) <= 9  # marks, ends, three look-ups, four folds
    assert any("haystack_fold_parts" in sql for sql in many) == folded


def test_points_with_unusual_values_beside_usual_ones(
    sql_store: OrmAdapter,
) -> None:
    """Each of them in a part of its own, at its start, or inside of it."""
    values = [NA, math.nan, math.inf, 1e300, -1e300, True, "text"]
    histories = [samples(0)]
    for hour in (0, 4, 20):
        for value in values:
            changed = dict(samples(1)) | {START + hour * HOUR: value}
            histories.append(sorted(changed.items()))
    stored(sql_store, histories)
    fold_all(sql_store)
    for linear in (False, True):
        meaning = Meaning("Number", "kW", is_linear=linear)
        for unit in ("day", "wk", "mo"):
            asked = rollup(unit, 6, meaning)
            check(sql_store, histories, [asked] * len(histories))


def test_values_that_hold_from_long_before(sql_store: OrmAdapter) -> None:
    later = [(START + 3 * DAY + HOUR, 7.0), (START + 4 * DAY, 8.0)]
    histories = [
        [(START - 40 * DAY, value), *later] for value in (NA, 1e300, 5.0, math.nan)
    ]
    stored(sql_store, histories)
    fold_all(sql_store)
    for linear in (False, True):
        asked = rollup("day", 6, Meaning("Number", "kW", is_linear=linear))
        check(sql_store, histories, [asked] * len(histories))


def test_a_range_that_begins_long_before_the_samples(sql_store: OrmAdapter) -> None:
    """Its millions of empty buckets are not gone through, unless a value is held."""
    history = samples(1)
    stored(sql_store, [history])
    meaning = Meaning("Number", "kW")
    interval = Interval.of(Number(1, "min"))
    start, end = START - 4_000 * DAY, START + DAY // 2
    asked = Rollup(["twa", "count"], interval, "UTC", start, end, meaning)
    assert len(statements(sql_store, 1, asked)) < 20
    check(sql_store, [history], [asked])
    sql_store.his_write("p0", [(at("2010-01-01 00:00", "UTC"), Number(3))])
    longer = replace(asked, start=START - 3 * DAY)
    early = microseconds_of(at("2010-01-01 00:00", "UTC").utc)
    check(sql_store, [[(early, 3.0), *history]], [longer])
