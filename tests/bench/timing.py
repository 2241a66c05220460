"""Two things timed side by side."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

__all__ = ["WARM_UP", "Pair", "side_by_side"]

WARM_UP = 6
"""Calls before the clock counts: the driver prepares a statement at its sixth use."""

_ENOUGH = 0.02
"""Seconds that one measurement lasts at least."""


class Pair(NamedTuple):
    """Median seconds of one call each."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def side_by_side(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    rounds: int,
    *,
    once: bool = False,
) -> Pair:
    """Measure in turn, so that other load of the machine affects both.

    ``once``: one call a round, not as many as last long enough to time well.
    """
    repeats = [_calls_for(ours), _calls_for(theirs)]
    if once:
        repeats = [1, 1]
    times: list[list[float]] = [[], []]
    for round_ in range(rounds):
        for side in (0, 1) if round_ % 2 else (1, 0):
            call, repeat = (ours, theirs)[side], repeats[side]
            gc.collect()
            start = time.perf_counter()
            for _ in range(repeat):
                call()
            times[side].append((time.perf_counter() - start) / repeat)
    return Pair(median(times[0]), median(times[1]))


def _calls_for(call: Callable[[], Any]) -> int:
    """How many calls make one measurement; also the warm-up."""
    for _ in range(WARM_UP):
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
    return max(1, int(_ENOUGH / once))
