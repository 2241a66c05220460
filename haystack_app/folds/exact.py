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

    def add(self, value: float, weight: int | Fraction = 1) -> None:
        if math.isfinite(value):
            numerator, denominator = value.as_integer_ratio()
            shift = _BITS + 1 - denominator.bit_length()
            self._total += (numerator << shift) * weight
        elif weight:
            self._infinite += value * (1 if weight > 0 else -1)

    def divided(self, divisor: int = 1) -> float:
        """The sum divided by a positive integer, as the nearest float."""
        if self._infinite:
            return self._infinite
        total = self._total
        try:
            return total.numerator / (total.denominator * divisor << _BITS) + 0.0
        except OverflowError:
            return math.inf if total > 0 else -math.inf
