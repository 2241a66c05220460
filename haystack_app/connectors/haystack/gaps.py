"""Gaps between the samples of a history."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ...storage.freshness import period_of

__all__ = ["gaps_between"]

_SIZE = 2.5
"""Usual intervals from one sample to the next that are a gap."""
_FEWEST = 3


def gaps_between(times: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of times next to each other that are too far apart, oldest first.

    ``times`` are in ascending order. Without a usual interval there are no gaps.
    """
    usual = period_of(times) or _median(times)
    if usual is None:
        return []
    return [(a, b) for a, b in pairwise(times) if b - a > _SIZE * usual]


def _median(times: Sequence[int]) -> int | None:
    intervals = sorted(b - a for a, b in pairwise(times))
    return intervals[len(intervals) // 2] if len(intervals) >= _FEWEST else None
