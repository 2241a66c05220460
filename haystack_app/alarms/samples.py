"""The samples of a point as a rule sees them, and what it measures in them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..kinds.scalars import Number
from .conditions import AVG, LAST, MAX, MIN, SHARE

__all__ = ["Samples"]

_PERCENT = 100.0


@dataclass(slots=True)
class Samples:
    """Samples in time order, in microseconds since 1970.

    ``hold`` is how long a value counts after its time; None: until the next sample.
    Values are floats, Bools, Strs, or None for what is not known, such as NaN.
    """

    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    hold: int | None = None

    @classmethod
    def of(cls, found: Iterable[tuple[int, Any]], hold: int | None = None) -> Samples:
        """Of times and stored values, of which numbers may be Numbers or floats."""
        made = cls(hold=hold)
        for time, value in found:
            made.times.append(time)
            made.values.append(_plain(value))
        return made

    def place(self, at: int) -> int:
        """The index of the newest sample at a time; -1 before the first."""
        return bisect_right(self.times, at) - 1

    def value(self, at: int) -> Any:
        """The newest value at a time, however old it is."""
        found = self.place(at)
        return None if found < 0 else self.values[found]

    def end(self, place: int) -> int | None:
        """Until when a sample counts; None for the last one that holds."""
        ends = []
        if place + 1 < len(self.times):
            ends.append(self.times[place + 1])
        if self.hold is not None:
            ends.append(self.times[place] + self.hold)
        return min(ends) if ends else None

    def measure(self, name: str, at: int, window: int) -> Any:
        """A measure of the window that ends at a time; None if it is not known.

        The average of values that hold is weighed by time, that of others is of the
        samples. A share is weighed by time; at first it is that of the value itself.
        """
        if name == LAST:
            return self.value(at)
        if name == SHARE:
            return self._share(at, window)
        if self.hold is None:
            return self._held(name, at, window)
        first, last = self.place(at - window) + 1, self.place(at) + 1
        numbers = [v for v in self.values[first:last] if type(v) is float]
        if not numbers:
            return None
        if name == AVG:
            return sum(numbers) / len(numbers)
        return min(numbers) if name == MIN else max(numbers)

    def _held(self, name: str, at: int, window: int) -> float | None:
        now = self.value(at)
        parts = [
            (length, value)
            for length, value in self._parts(at, window)
            if type(value) is float
        ]
        if name == AVG:
            total = sum(length for length, _ in parts)
            if not total:
                return now if type(now) is float else None
            return sum(length * value for length, value in parts) / total
        numbers = [value for _, value in parts]
        if type(now) is float:
            numbers.append(now)
        if not numbers:
            return None
        return max(numbers) if name == MAX else min(numbers)

    def _share(self, at: int, window: int) -> float | None:
        parts = [
            (length, value)
            for length, value in self._parts(at, window)
            if type(value) is bool
        ]
        total = sum(length for length, _ in parts)
        if total:
            return _PERCENT * sum(length for length, value in parts if value) / total
        now = self.value(at)
        return _PERCENT * now if type(now) is bool else None

    def _parts(self, at: int, window: int) -> Iterator[tuple[int, Any]]:
        """Lengths and values of the window, as far as they are known."""
        first = max(self.place(at - window), 0)
        for place in range(first, self.place(at) + 1):
            start = max(self.times[place], at - window)
            end = self.end(place)
            end = at if end is None else min(end, at)
            if end > start:
                yield end - start, self.values[place]


def _plain(value: Any) -> Any:
    if isinstance(value, Number):
        value = float(value.val)
    if type(value) is float:
        return None if math.isnan(value) else value
    return value if type(value) in (bool, str) else None
