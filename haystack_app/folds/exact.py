"""Sums without rounding.

Every float is a whole multiple of 2^-1074, so that a sum of floats is an integer. A
result is rounded once, and does not depend on the order of the samples or on how they
were divided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["ExactSum"]

_BITS = 1_074


@dataclass(slots=True)
class ExactSum:
    """The sum of values times weights; infinite values are summed as floats."""

    _total: int | Fraction = 0
    _infinite: float = 0.0

    @classmethod
    def counted(cls, start: float, end: float, drops: int) -> ExactSum:
        """What a counter has counted between two finite readings.

        ``drops`` is the sum of the readings before each drop, times 2^1074.
        """
        found = cls(drops)
        found.add(end)
        found.add(start, -1)
        return found

    @property
    def units(self) -> int | Fraction:
        """The finite sum times 2^1074."""
        return self._total

    def add(self, value: float, weight: int | Fraction = 1) -> None:
        if math.isfinite(value):
            numerator, denominator = value.as_integer_ratio()
            shift = _BITS + 1 - denominator.bit_length()
            self._total += (numerator << shift) * weight
        elif weight:
            self._infinite += value * (1 if weight > 0 else -1)

    def step(self, before: float, value: float) -> None:
        """Add what a counter has counted between two readings.

        A drop is a reset, after which the new value counts.
        """
        self.add(value)
        if value >= before:
            self.add(before, -1)

    def include(self, other: ExactSum) -> None:
        self._total += other._total
        self._infinite += other._infinite

    def divided(self, divisor: int = 1) -> float:
        """The sum divided by a positive integer, as the nearest float."""
        if self._infinite:
            return self._infinite
        total = self._total
        try:
            return total.numerator / (total.denominator * divisor << _BITS) + 0.0
        except OverflowError:
            return math.inf if total > 0 else -math.inf
