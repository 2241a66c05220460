"""Samples that keep the look of a history."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from haystack_app.folds.decimation import decimated
from haystack_app.kinds.scalars import NA


@pytest.mark.parametrize("seed", range(30))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    count, most = random.randrange(200), random.choice([4, 5, 8, 40, 200])
    values: list[Any] = random.choice(
        [[1.0, 2.5, -3.0, 7.0], [1.0, NA, math.nan], [True, False], ["a", "b"]]
    )
    times = sorted(random.sample(range(1_000), count))
    samples = [(time, random.choice(values)) for time in times]
    found = list(decimated(iter(samples), most, 1_000))
    if count <= most:
        assert found == samples
        return
    assert found == [one for one in samples if one in found]
    length = -(-(1_000 - times[0]) // (most // 4))
    steps = sorted(b - a for a, b in pairwise(times[:most]))
    usual = steps[(len(steps) - 1) // 2]
    for first in range(times[0], 1_000, length):
        span = [one for one in samples if first <= one[0] < first + length]
        kept = [one for one in found if first <= one[0] < first + length]
        if not span:
            continue
        numbers = [
            one
            for one in span
            if isinstance(one[1], float | bool) and not math.isnan(one[1])
        ]
        expected = {span[0], span[-1]}
        if numbers:
            expected |= {
                min(numbers, key=lambda one: one[1]),
                max(numbers, key=lambda one: one[1]),
            }
        gaps = list(pairwise(span))
        widest = max(gaps, key=lambda gap: gap[1][0] - gap[0][0], default=None)
        if widest and widest[1][0] - widest[0][0] > 3 * usual:
            expected |= {*widest}
        assert {one[0] for one in kept} == {one[0] for one in expected}


@pytest.mark.parametrize("end", [-5, 0, 1, 500, 2_000])
def test_samples_after_the_end(end: int) -> None:
    samples = [(time, float(time % 7)) for time in range(1_000)]
    found = list(decimated(samples, 40, end))
    assert found[0] == samples[0]
    assert found[-1] == samples[-1]
    assert len(found) <= 60


def test_long_histories_are_not_held() -> None:
    """Only so many samples as are asked for are read before the first answer."""
    read = 0

    def samples() -> Any:
        nonlocal read
        for time in range(100_000):
            read += 1
            yield time, float(time % 50)

    found = decimated(samples(), 40, 100_000)
    next(found)
    assert read <= 10_001
    assert 20 <= len([*found]) + 1 <= 40
