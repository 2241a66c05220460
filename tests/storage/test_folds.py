"""Roll-ups by each store, against the definition.

Many histories are folded together, for a round trip costs more than a history. CI
compares 20,000 of them by ``FOLD_CASES``.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from haystack_app.folds.buckets import Interval
from haystack_app.folds.decimation import decimated
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.scalars import NA
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.samples import Batch
from tests.folds.histories import a_history, a_rollup, a_zone, agree
from tests.folds.test_rollup import streamed

CASES = int(os.environ.get("FOLD_CASES", "600"))
"""Histories on the three SQL stores together."""
TOGETHER = 100
BASE = 1_709_251_200_000_000
Sample = tuple[int, Any]


def written(samples: list[Sample]) -> Batch:
    return Batch({time: _stored(value) for time, value in samples}, [])


def _stored(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return Number(value)
    return value


def some_histories(
    random: Random, count: int
) -> tuple[list[list[Sample]], list[Rollup]]:
    """Of points with roll-ups of their own, in the same buckets."""
    tz, base = a_zone(random)
    shared = a_rollup(random, tz, base)
    histories, rollups = [], []
    for _ in range(count):
        kind = random.choice(["Number", "Number", "Bool", "Str"])
        own = a_rollup(random, tz, base, kind)
        histories.append(a_history(random, base, kind))
        rollups.append(replace(shared, folds=own.folds, meaning=own.meaning))
    return histories, rollups


def check(
    store: StorageAdapter,
    histories: list[list[Sample]],
    rollups: list[Rollup],
) -> None:
    """Points are called p0, p1, .."""
    with store.snapshot():
        asked = [(f"p{place}", rollup) for place, rollup in enumerate(rollups)]
        rows = list(store.his_fold(asked))
    assert [time for time, _, _ in rows] == sorted(time for time, _, _ in rows)
    for place, (samples, rollup) in enumerate(zip(histories, rollups, strict=True)):
        found = [(time, row) for time, at, row in rows if at == place]
        agree(rollup, found, streamed(rollup, samples), samples)


@pytest.mark.parametrize("seed", range(2))
def test_each_store(store: StorageAdapter, seed: int) -> None:
    histories, rollups = some_histories(Random(seed), 40)
    with store.locked([]):
        store.his_store({f"p{n}": written(one) for n, one in enumerate(histories)})
    check(store, histories, rollups)


@pytest.mark.parametrize("seed", range(2))
def test_random_histories(sql_store: OrmAdapter, seed: int) -> None:
    random = Random(seed)
    for _ in range(-(-CASES // (6 * TOGETHER))):
        histories, rollups = some_histories(random, TOGETHER)
        batches = {f"p{n}": written(one) for n, one in enumerate(histories)}
        with sql_store.locked([]):
            sql_store.his_store(batches)
            check(sql_store, histories, rollups)
            sql_store.his_store(
                {id: Batch({}, list(one.written)) for id, one in batches.items()}
            )


def a_chart(random: Random) -> tuple[list[Sample], int, int]:
    """A history at regular times or at any, how many samples are wanted, and the end."""
    count, most = random.randrange(120), random.choice([4, 5, 8, 12, 40, 200])
    values: list[Any] = random.choice(
        [[1.0, 2.5, -3.0, 7.0, 1e300], [1.0, NA, math.nan], [True, False], ["a", "b"]]
    )
    grain = random.choice([1, 1, 1_000_000, 60_000_000])
    room = random.choice([count + 1, 2 * count + 1, 1_000])
    times = sorted(random.sample(range(max(room, count)), count))
    samples = [(BASE + time * grain, random.choice(values)) for time in times]
    return samples, most, BASE + random.choice([-5, 0, 500, room, 2_000]) * grain


@pytest.mark.parametrize("seed", range(4))
def test_decimation(store: StorageAdapter, seed: int) -> None:
    random = Random(seed)
    charts = [a_chart(random) for _ in range(40)]
    with store.locked([]):
        store.his_store({f"p{n}": written(one) for n, (one, _, _) in enumerate(charts)})
    for place, (samples, most, end) in enumerate(charts):
        until = random.choice([None, BASE + 3_000_000_000, end])
        inside = [one for one in samples if until is None or one[0] < until]
        with store.snapshot():
            found = list(store.his_decimated(f"p{place}", BASE, until, most, end))
        expected = list(decimated(inside, most, end))
        assert repr(found) == repr(expected), (samples, most, end, until)


def test_readings_that_are_infinite(store: StorageAdapter) -> None:
    """Such a counter has no sum of drops."""
    hour = 3_600_000_000
    values = [5.0, math.inf, 7.0, NA, -math.inf, 1e308, 1e308, 4.0, 1e308, 9.0]
    samples = [(BASE + n * hour // 3, value) for n, value in enumerate(values)]
    with store.locked([]):
        store.his_store({"p0": written(samples)})
    folds = ["delta", "sum", "avg", "twa", "integral", "min", "max", "spread"]
    for linear in (False, True):
        rollup = Rollup(
            folds,
            Interval.of(Number(1, "hr")),
            "UTC",
            BASE,
            BASE + 9 * hour,
            Meaning("Number", "kW", is_linear=linear),
        )
        check(store, [samples], [rollup])
