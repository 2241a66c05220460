"""What a rule asks of a value, and how far the value must be back.

Values are floats, Bools or Strs as stored, without units; shares are percents. None is
a value that is not known, such as NA: it neither raises nor clears an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = [
    "ABOVE",
    "AGE",
    "AVG",
    "BELOW",
    "EQUAL",
    "LAST",
    "MAX",
    "MIN",
    "OUTSIDE",
    "SHARE",
    "UNEQUAL",
    "UNKNOWN",
    "WINDOWED",
    "Condition",
    "Verdict",
]

LAST, AVG, MIN, MAX, SHARE, AGE = "last", "avg", "min", "max", "share", "age"
WINDOWED = (AVG, MIN, MAX, SHARE)
ABOVE, BELOW, EQUAL, UNEQUAL, OUTSIDE = ">", "<", "==", "!=", "outside"


class Verdict(NamedTuple):
    """Whether a value raises an alarm, and whether it keeps one; None if unknown."""

    raises: bool | None
    keeps: bool | None


UNKNOWN = Verdict(None, None)


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a rule for one point; times are in microseconds.

    ``limit`` is what the measure is compared with; None if that is another point, whose
    value is the limit of its time. For ``AGE`` it is a time. ``tolerance`` moves the
    limit away; values that are back by ``hysteresis`` clear the alarm. The condition
    must hold for ``delay``. Measures in ``WINDOWED`` are of the last ``window``.
    """

    measure: str
    op: str
    limit: Any = None
    tolerance: float = 0.0
    hysteresis: float = 0.0
    window: int = 0
    delay: int = 0

    def test(self, value: Any, limit: Any) -> Verdict:
        """Of a value and the limit of the same time."""
        if value is None or limit is None or type(value) is not type(limit):
            return UNKNOWN
        if type(value) is not float:
            return self._equality(value == limit)
        if self.op in (EQUAL, UNEQUAL):
            return self._equality(value == limit)
        excess = self._excess(value, limit)
        return Verdict(excess > 0, excess > -self.hysteresis)

    def _equality(self, is_equal: bool) -> Verdict:
        holds = is_equal == (self.op == EQUAL)
        return Verdict(holds, holds)

    def _excess(self, value: float, limit: float) -> float:
        """How far the value is beyond the limit; negative if it is not."""
        if self.op == ABOVE:
            return value - (limit + self.tolerance)
        if self.op == BELOW:
            return (limit - self.tolerance) - value
        return abs(value - limit) - self.tolerance
