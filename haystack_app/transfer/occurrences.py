"""Local times that occur twice, when clocks go back, told apart by the order of rows.

The rows of a point are in order of time, oldest or newest first, or they say nothing.
In order, a step against it at the end of daylight saving time begins the other
occurrence; the same time in the next row is a repetition of the sample and not a step.
A time is known if only one occurrence keeps all rows in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Times = tuple[int, ...]
"""The time of a row in microseconds, or both if the local time occurs twice."""
_FIRST, _LAST = -(2**62), 2**62

__all__ = ["RowOrder"]


@dataclass(slots=True)
class _Group:
    """Rows that follow each other with the same time.

    ``earliest`` is the first instant that the rows before allow if the oldest is
    first; ``latest`` is the last one if the newest is first.
    """

    times: Times
    earliest: int
    latest: int


class RowOrder:
    """The order of the rows of one point in one file.

    ``ambiguous`` has the groups with two possible times, and the first group after
    each, which limits them.
    """

    def __init__(self) -> None:
        self.ascends = self.descends = True
        self.last: Times = ()
        self.earliest = _FIRST
        self.latest = _LAST
        self.ambiguous: list[_Group] = []

    def add(self, times: Times) -> int | None:
        """Add the next row; the index of its group if its time occurs twice."""
        if times != self.last:
            self.last = times
            self._step(times)
            if len(times) > 1 or (self.ambiguous and len(self.ambiguous[-1].times) > 1):
                self.ambiguous.append(_Group(times, self.earliest, self.latest))
        return len(self.ambiguous) - 1 if len(times) > 1 else None

    def extend(self, times: Sequence[int]) -> None:
        """Add rows whose times occur once."""
        self.add((times[0],))
        if self.ascends:
            self.ascends = sorted(times) == times
            self.earliest = times[-1]
        if self.descends:
            self.descends = sorted(times, reverse=True) == times
            self.latest = times[-1]
        if times[-1] != times[0]:
            self.last = (times[-1],)

    def _step(self, times: Times) -> None:
        if self.ascends:
            self.ascends = times[-1] >= self.earliest
            self.earliest = _at_least(times, self.earliest)
        if self.descends:
            self.descends = times[0] <= self.latest
            self.latest = _at_most(times, self.latest)

    def decided(self) -> list[int | None]:
        """The time of each group, None where the order does not show it."""
        possible: list[set[int]] = [set() for _ in self.ambiguous]
        if self.ascends:
            for group, found, last in zip(
                self.ambiguous, possible, self._latest(), strict=True
            ):
                found.update((group.earliest, last))
        if self.descends:
            for group, found, first in zip(
                self.ambiguous, possible, self._earliest(), strict=True
            ):
                found.update((group.latest, first))
        return [found.pop() if len(found) == 1 else None for found in possible]

    def _latest(self) -> Sequence[int]:
        """The last instants that the rows after allow if the oldest is first."""
        bound = _LAST
        found = []
        for group in reversed(self.ambiguous):
            bound = _at_most(group.times, bound)
            found.append(bound)
        return found[::-1]

    def _earliest(self) -> Sequence[int]:
        """The first instants that the rows after allow if the newest is first."""
        bound = _FIRST
        found = []
        for group in reversed(self.ambiguous):
            bound = _at_least(group.times, bound)
            found.append(bound)
        return found[::-1]


def _at_least(times: Times, bound: int) -> int:
    """The first of the times that is not before the bound, or else the last one."""
    return times[0] if times[0] >= bound else times[-1]


def _at_most(times: Times, bound: int) -> int:
    """The last of the times that is not after the bound, or else the first one."""
    return times[-1] if times[-1] <= bound else times[0]
