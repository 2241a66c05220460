"""Looking at all of something, a part at a time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, TypeVar

__all__ = ["Round"]

_T = TypeVar("_T")


class Round(Generic[_T]):
    def __init__(self) -> None:
        self._left: list[_T] = []

    def part(self, everything: Collection[_T], parts: int) -> list[_T]:
        """The next ones; what came since the round began is in the next round.

        What is not there any more takes nobody's place: the round would outlast
        its time.
        """
        left = [one for one in self._left if one in everything]
        self._left = left or list(everything)
        size = -(-len(everything) // max(1, parts))
        part, self._left = self._left[:size], self._left[size:]
        return part
