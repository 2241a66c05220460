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

from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.samples import Batch
from tests.folds.histories import a_history, a_rollup, a_zone, agree
from tests.folds.test_rollup import streamed

CASES = int(os.environ.get("FOLD_CASES", "600"))
"""Histories on the three SQL stores together."""
TOGETHER = 100
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
