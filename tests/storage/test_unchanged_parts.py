"""Roll-ups of one point whose buckets consist of stored parts, by one statement."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from haystack_app.folds.buckets import Interval, buckets
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.unchanged_parts import unchanged_rows
from tests.folds.histories import a_history, a_rollup, a_zone, agree
from tests.folds.test_rollup import streamed
from tests.storage.building import point
from tests.storage.test_fold_statements import DAY, HOUR, START, fold_all, stored
from tests.storage.test_folds import CASES, SEED, a_change, remove_all, written

TOGETHER, ROLLUPS = 20, 12
DAYS = Interval.of(Number(1, "day"))
Sample = tuple[int, Any]


def whole(random: Random, rollup: Rollup) -> Rollup:
    """Of whole days or hours, longer ones among them, with folds that go together."""
    unit = random.choice(["day", "day", "day", "hr", "wk", "mo"])
    first, last = (
        next(buckets(DAYS, rollup.tz, time))[0]
        for time in (rollup.start, rollup.end + random.choice([0, 0, 3, 40]) * DAY)
    )
    if first == last:
        first, last = next(buckets(DAYS, rollup.tz, first))
    together = [
        some
        for some in ({"avg", "min", "max", "sum", "spread"}, {"twa", "integral"})
        if some & {*rollup.folds}
    ]
    kept = together[0] if together else {rollup.folds[0]}
    chosen = tuple(fold for fold in rollup.folds if fold in kept)
    interval = Interval.of(Number(1, unit))
    return replace(rollup, folds=chosen, interval=interval, start=first, end=last)


def compare(
    store: OrmAdapter, histories: list[list[Sample]], rollups: list[Rollup]
) -> Counter[bool]:
    """Compare rows with the definition; count how often one statement had them."""
    hits: Counter[bool] = Counter()
    for place, (samples, rollup) in enumerate(zip(histories, rollups, strict=True)):
        expected = list(streamed(rollup, samples))
        found = [(at, row) for at, _, row in store.his_fold([(f"p{place}", rollup)])]
        agree(rollup, found, expected, samples)
        if store.samples.vendor == "postgresql":
            rows = unchanged_rows(store.samples, f"p{place}", rollup)
            hits[rows is not None] += 1
            if rows is not None:
                agree(rollup, [(at, row) for at, _, row in rows], expected, samples)
    return hits


def test_random_histories(sql_store: OrmAdapter) -> None:
    random = Random(SEED)
    hits: Counter[bool] = Counter()
    for _ in range(max(1, CASES // 10_000)):
        tz, base = a_zone(random)
        kinds = random.choices(["Number", "Number", "Bool", "Str"], k=TOGETHER)
        histories = [a_history(random, base, kind) for kind in kinds]
        sql_store.load_entities([point(f"p{n}", tz=tz) for n in range(TOGETHER)])
        batches = {f"p{n}": written(one) for n, one in enumerate(histories)}
        with sql_store.locked([]):
            sql_store.his_store(batches)
        fold_all(sql_store)
        for _ in range(ROLLUPS):
            asked = [whole(random, a_rollup(random, tz, base, kind)) for kind in kinds]
            hits += compare(sql_store, histories, asked)
        changed = [a_change(random, base, one) for one in histories]
        histories = [samples for samples, _ in changed]
        with sql_store.locked([]):
            sql_store.his_store({f"p{n}": one for n, (_, one) in enumerate(changed)})
        for _ in range(ROLLUPS // 4):
            asked = [whole(random, a_rollup(random, tz, base, kind)) for kind in kinds]
            compare(sql_store, histories, asked)
        with sql_store.locked([]):
            remove_all(sql_store)
    if hits:  # the others have values that are not numbers, or ranges with hours
        assert hits[True] > sum(hits.values()) / 8


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("fold", ["avg", "last", "twa", "delta"])
def test_one_statement_beside_the_samples(
    sql_store: OrmAdapter, fold: str, *, linear: bool
) -> None:
    """Between, after and before the samples, and where values are NaN."""
    if sql_store.samples.vendor != "postgresql":
        return
    histories = [usual(3), [*usual(5), (START + 30 * DAY, math.nan)]]
    stored(sql_store, histories)
    fold_all(sql_store)
    meaning = Meaning("Number", "kW", is_linear=linear, horizon=START + 40 * DAY)
    for first, last in ((-3, 0), (0, 6), (2, 4), (5, 60), (20, 60)):
        ends = START + first * DAY, START + last * DAY
        asked = Rollup((fold,), DAYS, "UTC", *ends, meaning)
        compare(sql_store, histories, [asked, asked])
        with CaptureQueriesContext(sql_store.samples) as captured:
            list(sql_store.his_fold([("p0", asked)]))
        [statement] = captured.captured_queries
        assert '"history"' not in statement["sql"]
        assert " history" not in statement["sql"]


def test_changes_are_seen_at_once(sql_store: OrmAdapter) -> None:
    """Of any sample that a roll-up looks up, without a fold between."""
    history = dict(usual(3))
    stored(sql_store, [sorted(history.items())])
    fold_all(sql_store)
    meaning = Meaning("Number", "kW", is_linear=True)
    for time in (START - DAY, START + DAY, START + 7 * DAY, START + 90 * DAY):
        history[time] = 50.0
        with sql_store.locked(["p0"]):
            sql_store.his_store({"p0": written([(time, 50.0)])})
        for fold in ("avg", "last", "twa", "delta"):
            ends = START, START + 6 * DAY
            asked = Rollup((fold,), DAYS, "UTC", *ends, meaning)
            compare(sql_store, [sorted(history.items())], [asked])


def usual(first: float) -> list[Sample]:
    hours = range(-30, 200, 4)
    return [(START + hour * HOUR, float(first + hour % 7)) for hour in hours]
