"""Roll-ups composed of parts, against the streaming ones."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from haystack_app.folds.composition import Bucket, Composition
from haystack_app.folds.parts import FloatSum, Part
from haystack_app.folds.rollup import Rollup
from tests.folds.histories import a_history, a_rollup, a_zone, agree, spans
from tests.folds.test_rollup import streamed

Sample = tuple[int, Any]


def composed(
    rollup: Rollup, samples: list[Sample], random: Random
) -> list[tuple[int, dict[str, Any]]]:
    """Each bucket is cut into some parts, and the buckets are given in two pages."""
    linear = rollup.meaning.is_linear

    def parts(low: int, high: int) -> list[Part]:
        cuts = sorted({low, high, *(random.randrange(low, high) for _ in range(2))})
        return [
            Part.of([one for one in samples if a <= one[0] < b], is_linear=linear)
            for a, b in pairwise(cuts)
        ]

    buckets = []
    for start, end in spans(rollup):
        low, high = max(start, rollup.start), min(end, rollup.end)
        by = 1 if rollup.meaning.ends_included else 0
        whole = [one for one in samples if low + by <= one[0] < high + by]
        buckets.append(
            Bucket(
                start,
                low,
                high,
                Part.of(whole, is_linear=linear),
                parts(low, high),
                parts(low + 1, high + 1),
            )
        )
    real = [
        one for one in samples if not (isinstance(one[1], float) and math.isnan(one[1]))
    ]
    past = [one for one in real if one[0] < rollup.start]
    numbers = [
        one[1]
        for one in real
        if one[0] <= rollup.start and isinstance(one[1], float | bool)
    ]
    composition = Composition(
        rollup,
        past[-1] if past else None,
        float(numbers[-1]) if numbers else None,
        max((time for time, _ in samples), default=-(1 << 62)),
    )
    middle = random.randrange(len(buckets) + 1)
    found = []
    for page in (buckets[:middle], buckets[middle:]):
        if page:
            later = [one for one in real if one[0] >= page[-1].high]
            found += composition.rows(page, later[0] if later else None)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    for _ in range(100):
        kind = random.choice(["Number", "Number", "Bool", "Str"])
        tz, base = a_zone(random)
        samples = a_history(random, base, kind)
        rollup = a_rollup(random, tz, base, kind)
        agree(rollup, composed(rollup, samples, random), streamed(rollup, samples))


def test_sums_do_not_overflow() -> None:
    total = FloatSum()
    for value in (1e308, 1e308, -1e308, 5.0):
        total.add(value)
    assert total.divided() == 1e308
    total.add(1e308)
    assert total.divided() == math.inf
    assert total.divided(2) == 1e308
    total.add(-math.inf)
    assert total.divided() == -math.inf
