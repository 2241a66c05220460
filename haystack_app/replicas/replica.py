"""What is known of one replica."""

from __future__ import annotations

import time
from enum import StrEnum
from math import inf
from typing import NamedTuple

from .trail import Trail

__all__ = ["Replica", "State"]


class State(StrEnum):
    """``starting`` until it was asked; ``fresh`` and ``lagging`` follow the primary.

    One that is ``promoted`` accepts writes itself. One that ``diverged`` has a part of
    the log that the primary does not have: it follows another primary.
    """

    STARTING = "starting"
    FRESH = "fresh"
    LAGGING = "lagging"
    DOWN = "down"
    PROMOTED = "promoted"
    DIVERGED = "diverged"


class Seen(NamedTuple):
    """A position that a replica had replayed, and when that was known."""

    position: int
    at: float


class Replica:
    """``complete_to`` is when the primary was where the replica is, by the monotonic
    clock. Several threads may call all methods."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.complete_to = -inf
        self._seen = Seen(0, -inf)
        self._problem: State | None = State.STARTING

    @property
    def replayed(self) -> int:
        """The last position that is known."""
        return self._seen.position

    def answered(self, position: int, trail: Trail) -> None:
        """It follows a primary, and has replayed up to a position."""
        if self._problem is State.DIVERGED and position >= self.replayed:
            return
        self._seen = Seen(position, time.monotonic())
        self.complete_to = trail.complete_to(position)
        self._problem = None

    def saw(self, position: int) -> None:
        """A request found this position."""
        self._seen = Seen(position, time.monotonic())

    def is_unusable(self, problem: State) -> None:
        self._problem = problem
        self.complete_to = -inf

    def compare(self, asked: float, position: int) -> None:
        """The primary, asked at a time, is at a position."""
        seen = self._seen
        if seen.at < asked and seen.position > position:
            self.is_unusable(State.DIVERGED)

    def is_fresh(self, longest_lag: float) -> bool:
        return self._problem is None and self.lag <= longest_lag

    @property
    def lag(self) -> float:
        """Seconds since the primary was where it is; infinite if that is unknown."""
        return time.monotonic() - self.complete_to

    def state(self, longest_lag: float) -> State:
        if self._problem is not None:
            return self._problem
        return State.FRESH if self.is_fresh(longest_lag) else State.LAGGING
