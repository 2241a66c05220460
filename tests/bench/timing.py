"""Things timed side by side."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

__all__ = ["WARM_UP", "Pair", "in_turn", "side_by_side"]

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
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> Pair:
    return Pair(*in_turn([ours, theirs], rounds))


def in_turn(
    calls: Sequence[Callable[[], Any]],
    rounds: int,
    *,
    once: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Median seconds of each call; other load of the machine affects all of them.

    ``once``: one call a round, not as many as last long enough to time well. A
    single round, which shows no more than that they run, has no warm-up.
    """
    repeats = [_calls_for(call) if rounds > 1 else 1 for call in calls]
    if once:
        repeats = [1] * len(calls)
    times: list[list[float]] = [[] for _ in calls]
    order = list(range(len(calls)))
    for _ in range(rounds):
        for at in order:
            gc.collect()
            start = clock()
            for _ in range(repeats[at]):
                calls[at]()
            times[at].append((clock() - start) / repeats[at])
        order.reverse()
    return [median(of_one) for of_one in times]


def _calls_for(call: Callable[[], Any]) -> int:
    """How many calls make one measurement; also the warm-up."""
    for _ in range(WARM_UP):
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
    return max(1, int(_ENOUGH / once))
