"""Work on many things in parts, so that each has its turn once a round."""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, TypeVar

__all__ = ["RoundRobin"]

_T = TypeVar("_T")


class RoundRobin(Generic[_T]):
    def __init__(self) -> None:
        self._left: list[_T] = []

    def part(self, everything: Collection[_T], parts: int) -> list[_T]:
        """The next part of a round; items that are added wait for the next round.

        Removed items do not take a place, or the round would take longer than its
        ``parts``.
        """
        left = [one for one in self._left if one in everything]
        self._left = left or list(everything)
        size = -(-len(everything) // max(1, parts))
        part, self._left = self._left[:size], self._left[size:]
        return part
