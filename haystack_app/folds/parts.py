"""What is known of the samples between two instants, without the samples.

A database makes parts, from samples or from stored parts. ``composition`` composes them
to the answers that ``rollup`` gives for the samples themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..kinds.scalars import NA
from .accumulators import is_nan, number_of, of_numbers
from .exact import ExactSum

__all__ = ["HUGE", "SCALE", "FloatSum", "Part", "Sample"]

Sample = tuple[int, Any]
"""Microseconds since 1970 UTC, and a value."""
HUGE = 1e290
"""Greater numbers are summed apart, scaled by ``SCALE``, so that no sum overflows."""
SCALE = 2.0**-60


@dataclass(slots=True)
class FloatSum:
    """A sum of floats; ``huge`` is the sum of the greater ones times ``SCALE``."""

    small: float = 0.0
    huge: float = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        if abs(value) <= HUGE:
            self.small += value * weight
        elif weight:
            self.huge += value * SCALE * weight

    def include(self, other: FloatSum) -> None:
        self.small += other.small
        self.huge += other.huge

    def divided(self, divisor: float = 1.0) -> float:
        if self.huge:
            return self.small / divisor + self.huge / divisor / SCALE
        return self.small / divisor + 0.0


@dataclass(slots=True)
class Part:
    """Samples between two instants.

    ``count`` of them, of which ``na`` are NA and ``nan`` NaN; ``numbers`` of the others
    are finite or infinite numbers or Bools, with their ``total``, ``low`` and ``high``.
    ``first`` and ``last`` leave out NaN. Between these two, ``known`` microseconds have
    a value, and ``area`` is their sum weighed with the values: held or, for points that
    are linear, on lines. From the first number ``start`` to the last one ``end`` a
    counter has counted ``rise``.
    """

    count: int = 0
    na: int = 0
    nan: int = 0
    numbers: int = 0
    total: FloatSum = field(default_factory=FloatSum)
    low: float | None = None
    high: float | None = None
    first: Sample | None = None
    last: Sample | None = None
    area: FloatSum = field(default_factory=FloatSum)
    known: float = 0
    start: float | None = None
    end: float | None = None
    rise: ExactSum | None = None

    @classmethod
    def of(cls, samples: Iterable[Sample], *, is_linear: bool) -> Part:
        """Of samples in time order: what a database must compute."""
        part = cls()
        for time, value in samples:
            part._add(time, value, is_linear=is_linear)
        return part

    def _add(self, time: int, value: Any, *, is_linear: bool) -> None:
        self.count += 1
        if is_nan(value):
            self.nan += 1
            return
        self.na += value is NA
        number = number_of(value)
        if self.last is None:
            self.first = time, value
        else:
            self._weigh(self.last, time, number, is_linear=is_linear)
        self.last = time, value
        if number is not None:
            self._count(number)

    def _weigh(
        self, before: Sample, time: int, toward: float | None, *, is_linear: bool
    ) -> None:
        number = number_of(before[1])
        if number is None or (is_linear and toward is None):
            return
        length = time - before[0]
        self.known += length
        self.area.add(number, length / (2 if is_linear else 1))
        if is_linear and toward is not None:
            self.area.add(toward, length / 2)

    def _count(self, number: float) -> None:
        self.numbers += 1
        self.total.add(number)
        self.low = number if self.low is None else min(self.low, number)
        self.high = number if self.high is None else max(self.high, number)
        if self.end is None or self.rise is None:
            self.start, self.rise = number, ExactSum()
        else:
            self.rise.step(self.end, number)
        self.end = number

    def include_counts(self, other: Part) -> None:
        """Add the samples of another part, as far as ``instead`` needs them."""
        self.count += other.count
        self.na += other.na
        self.nan += other.nan

    def include_numbers(self, other: Part) -> None:
        """Add the samples of another part, as far as folds of samples alone need."""
        self.include_counts(other)
        self.numbers += other.numbers
        self.total.include(other.total)
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        self.low, self.high = min(lows, default=None), max(highs, default=None)

    @property
    def instead(self) -> Any:
        """NA or NaN if there is no other answer, else None."""
        if self.na:
            return NA
        return math.nan if self.count and self.count == self.nan else None

    def result(self, fold: str) -> Any:
        """A fold of samples alone: avg min max sum count spread."""
        if fold == "count":
            return float(self.count) if self.count else None
        if (instead := self.instead) is not None:
            return instead
        if not self.numbers or self.low is None or self.high is None:
            return None
        return of_numbers(fold, self.numbers, self.total, self.low, self.high)
