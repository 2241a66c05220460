"""What is remembered of the samples of a bucket.

Values are floats (NaN and infinite ones too), Bools, NA, or others such as Str. NaN is
skipped; a bucket with samples that are all NaN is NaN. All folds of a bucket with NA
are NA, except for count, first and last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from ..kinds.scalars import NA
from .exact import ExactSum

__all__ = ["Counter", "Held", "Next", "Summary", "is_nan", "number_of", "of_numbers"]

Next = tuple[int, Any]
"""Time and value of a later sample."""


def is_nan(value: Any) -> bool:
    return type(value) is float and math.isnan(value)


def number_of(value: Any) -> float | None:
    """A Bool as 1 or 0; None for what is neither a number nor NaN."""
    return float(value) if isinstance(value, float | bool) else None


class Total(Protocol):
    """A sum of numbers."""

    def divided(self, divisor: int = 1) -> float: ...


def of_numbers(fold: str, count: int, total: Total, low: float, high: float) -> float:
    """One of avg min max sum spread, of one number or more."""
    match fold:
        case "avg":
            return total.divided(count)
        case "sum":
            return total.divided()
        case "min":
            return low
        case "max":
            return high
    return high - low


@dataclass(slots=True)
class _Bucket:
    """How many samples there were, and whether one was NA or a value."""

    count: int = 0
    has_na: bool = False
    has_values: bool = False

    def seen(self, value: Any) -> bool:
        """Whether the value is to be folded: neither NA nor NaN."""
        self.count += 1
        if value is NA:
            self.has_na = True
            return False
        if is_nan(value):
            return False
        self.has_values = True
        return True

    def instead(self) -> Any:
        """NA or NaN for a bucket that has no other answer, else None."""
        if self.has_na:
            return NA
        return math.nan if self.count and not self.has_values else None


@dataclass(slots=True)
class Summary:
    """The folds of samples alone: avg min max sum count first last spread."""

    bucket: _Bucket = field(default_factory=_Bucket)
    numbers: int = 0
    total: ExactSum = field(default_factory=ExactSum)
    least: float = math.inf
    most: float = -math.inf
    first: Any = None
    last: Any = None

    def add(self, value: Any) -> None:
        folded = self.bucket.seen(value)
        if folded or value is NA:
            self.first = value if self.first is None else self.first
            self.last = value
        number = number_of(value) if folded else None
        if number is not None:
            self.numbers += 1
            self.total.add(number)
            self.least = min(self.least, number)
            self.most = max(self.most, number)

    def result(self, fold: str) -> Any:
        """None for an empty bucket."""
        if fold == "count":
            return float(self.bucket.count) if self.bucket.count else None
        if fold in ("first", "last"):
            found = self.first if fold == "first" else self.last
            return math.nan if found is None and self.bucket.count else found
        if (instead := self.bucket.instead()) is not None:
            return instead
        if not self.numbers:
            return None
        return of_numbers(fold, self.numbers, self.total, self.least, self.most)


@dataclass(slots=True)
class Counter:
    """The fold delta: the last value minus the one at or before the start.

    A drop is a reset, after which the new value counts. A bucket without a value before
    it begins with its first one. ``before`` is the newest value of all.
    """

    before: float | None = None
    bucket: _Bucket = field(default_factory=_Bucket)
    total: ExactSum = field(default_factory=ExactSum)

    def prime(self, value: Any) -> None:
        """A sample at or before the start of the first bucket."""
        number = None if is_nan(value) else number_of(value)
        self.before = self.before if number is None else number

    def add(self, value: Any) -> None:
        number = number_of(value) if self.bucket.seen(value) else None
        if number is None:
            return
        if self.before is not None:
            self.total.step(self.before, number)
        self.before = number

    def result(self) -> Any:
        if (instead := self.bucket.instead()) is not None:
            return instead
        return self.total.divided() if self.bucket.count else None

    def close(self) -> None:
        self.bucket, self.total = _Bucket(), ExactSum()


@dataclass(slots=True)
class Held:
    """The folds twa and integral: values times the microseconds that they are held.

    ``at`` is the instant up to which time is weighed. The value from there on is
    ``value``, since ``since``; it is unknown (None) before the first sample and after
    NA. With ``toward`` it changes linearly to that sample.
    """

    is_linear: bool
    at: int = 0
    since: int = 0
    value: float | None = None
    toward: Next | None = None
    bucket: _Bucket = field(default_factory=_Bucket)
    area: ExactSum = field(default_factory=ExactSum)
    known: int = 0

    def prime(self, time: int, value: Any, toward: Next | None, start: int) -> None:
        """The value at ``start``, of a sample before it."""
        self._set(time, value, toward)
        self.at = start

    def add(self, time: int, value: Any, toward: Next | None) -> None:
        self.hold(time)
        self.bucket.seen(value)
        if not is_nan(value):
            self._set(time, value, toward)

    def _set(self, time: int, value: Any, toward: Next | None) -> None:
        self.at = self.since = time
        self.value = number_of(value)
        self.toward = toward
        if self.is_linear and (toward is None or number_of(toward[1]) is None):
            self.value = None  # a line needs two ends

    def hold(self, until: int) -> None:
        """Weigh the time up to an instant, at which the value is known."""
        length = until - self.at
        if length > 0 and self.value is not None:
            self.known += length
            if self.is_linear:
                self._add_line(self.at, until)
            else:
                self.area.add(self.value, length)
        self.at = max(self.at, until)

    def _add_line(self, start: int, end: int) -> None:
        """A trapezoid between two instants of the line: both ends, with weights."""
        assert self.toward is not None and self.value is not None
        time, value = self.toward
        middle = Fraction(start + end - 2 * self.since, 2 * (time - self.since))
        share = (end - start) * middle
        self.area.add(self.value, end - start - share)
        self.area.add(float(value), share)

    def result(self, unit_of_time: int | None) -> Any:
        """The average for None, else the integral by a unit of time."""
        if self.bucket.has_na or not self.known:
            return self.bucket.instead()
        return self.area.divided(unit_of_time or self.known)

    def close(self) -> None:
        self.bucket, self.area, self.known = _Bucket(), ExactSum(), 0
