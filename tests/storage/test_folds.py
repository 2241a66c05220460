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
from haystack_app.models import FoldMark, FoldPart, FoldPoint, HisSample
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.samples import Batch
from tests.folds.histories import DAY, DAYS, MINUTE, a_history, a_rollup, a_zone, agree
from tests.folds.test_rollup import streamed
from tests.storage.building import point

CASES = int(os.environ.get("FOLD_CASES", "4800"))
"""Roll-ups of histories, on the three SQL stores together."""
TOGETHER, ROLLUPS = 100, 4
SEED = int(os.environ.get("FOLD_SEED", "0"))
BASE = 1_709_251_200_000_000
Sample = tuple[int, Any]
Histories = list[list[Sample]]


def written(samples: list[Sample]) -> Batch:
    return Batch({time: _stored(value) for time, value in samples}, [])


def _stored(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return Number(value)
    return value


def some_histories(random: Random, tz: str, base: int) -> tuple[list[str], Histories]:
    kinds = [
        random.choice(["Number", "Number", "Bool", "Str"]) for _ in range(TOGETHER)
    ]
    return kinds, [a_history(random, base, kind) for kind in kinds]


def some_rollups(random: Random, tz: str, base: int, kinds: list[str]) -> list[Rollup]:
    """In the same buckets, with folds and meanings of their own.

    Most are of days and hours, whose parts are stored, or consist of these.
    """
    shared = a_rollup(random, tz, base)
    if random.random() < 0.7:
        number = Number(1, random.choice(["hr", "day", "day", "wk", "mo", "yr"]))
        longer = {
            "interval": Interval.of(number),
            "start": shared.start - random.choice([0, 3, 40]) * DAY,
            "end": shared.end + random.choice([0, 3, 40]) * DAY,
        }
        shared = replace(shared, **longer)
    owns = [a_rollup(random, tz, base, kind) for kind in kinds]
    return [replace(shared, folds=own.folds, meaning=own.meaning) for own in owns]


def check(
    store: StorageAdapter,
    histories: list[list[Sample]],
    rollups: list[Rollup],
) -> None:
    """Points are called p0, p1, ..; the first one is asked for alone, too."""
    asked = [(f"p{place}", rollup) for place, rollup in enumerate(rollups)]
    rows = list(store.his_fold(asked))
    assert [time for time, _, _ in rows] == sorted(time for time, _, _ in rows)
    for place, (samples, rollup) in enumerate(zip(histories, rollups, strict=True)):
        found = [(time, row) for time, at, row in rows if at == place]
        agree(rollup, found, streamed(rollup, samples), samples)
    found = [(time, row) for time, _, row in store.his_fold(asked[:1])]
    agree(rollups[0], found, streamed(rollups[0], histories[0]), histories[0])


@pytest.mark.parametrize("seed", range(2))
def test_each_store(store: StorageAdapter, seed: int) -> None:
    random = Random(seed)
    tz, base = a_zone(random)
    kinds, histories = some_histories(random, tz, base)
    with store.locked([]):
        store.his_store({f"p{n}": written(one) for n, one in enumerate(histories)})
    check(store, histories, some_rollups(random, tz, base, kinds))


@pytest.mark.parametrize("seed", range(2))
def test_random_histories(sql_store: OrmAdapter, seed: int) -> None:
    compare_random(sql_store, seed, -(-CASES // (6 * 2 * ROLLUPS * TOGETHER)))


def compare_random(sql_store: OrmAdapter, seed: int, rounds: int) -> None:
    """In all states of the stored parts: none, some of them, all, all but some."""
    random = Random(SEED + seed)
    for _ in range(rounds):
        tz, base = a_zone(random)
        kinds, histories = some_histories(random, tz, base)
        sql_store.load_entities([point(f"p{n}", tz=tz) for n in range(TOGETHER)])
        batches = {f"p{n}": written(one) for n, one in enumerate(histories)}
        with sql_store.locked([]):
            for _ in range(2):
                sql_store.his_store(batches)
                fold_some(sql_store, random)
                for _ in range(ROLLUPS):
                    rollups = some_rollups(random, tz, base, kinds)
                    check(sql_store, histories, rollups)
                changed = [a_change(random, base, one) for one in histories]
                histories = [samples for samples, _ in changed]
                batches = {f"p{n}": batch for n, (_, batch) in enumerate(changed)}
            remove_all(sql_store)


@pytest.mark.parametrize(
    "values",
    [
        [math.inf, -math.inf, 1e300, 1.7e308, 5e-324, 0.0, 1e290, 2.0**53 + 2, 0.1],
        [math.inf, 1.0, 2.0, 5e-324, 1e300],
    ],
)
def test_numbers_at_the_limits(
    sql_store: OrmAdapter, values: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Infinite, huge and tiny numbers, in zones with changes of other lengths."""
    more = [
        ("Kathmandu", "2024-06-01 12:00"),
        ("St_Johns", "2010-11-06 12:00"),
        ("Cairo", "2014-05-15 12:00"),
        ("Troll", "2024-03-30 12:00"),
    ]
    monkeypatch.setattr("tests.folds.histories.VALUES", values)
    monkeypatch.setattr("tests.folds.histories.DAYS", DAYS + more)
    compare_random(sql_store, 2, 1)


def fold_some(store: OrmAdapter, random: Random) -> None:
    for _ in range(random.choice([0, 1, 5, 20, 1_000])):
        if not store.fold_dirty(random.choice([1, 10, 1_000])):
            break


def a_change(
    random: Random, base: int, samples: list[Sample]
) -> tuple[list[Sample], Batch]:
    """Late and repeated samples, and removals; or nothing."""
    held = dict(samples)
    usual = [value for value in held.values() if value is not NA] or [NA]
    removed = random.sample(
        sorted(held), random.choice([0, 0, 1, len(held)]) if held else 0
    )
    new = {
        base + random.randrange(-DAY, 3 * DAY) // MINUTE * MINUTE: random.choice(
            [*usual, NA]
        )
        for _ in range(random.choice([0, 0, 1, 3]))
    }
    removed = [time for time in removed if time not in new]
    after = {time: value for time, value in (held | new).items() if time not in removed}
    batch = written(sorted(new.items()))
    return sorted(after.items()), Batch(batch.written, removed)


def remove_all(store: OrmAdapter) -> None:
    for model in (HisSample, FoldMark, FoldPart, FoldPoint):
        model.objects.using(store.history_using).all().delete()


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
    values = [
        *(5.0, math.inf, 7.0, NA, -math.inf, 1e308, 1e308, 4.0, 1e308),
        *(math.inf, -math.inf, 9.0, 2.0),
    ]
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
