"""Cells that are read by columns: plain numbers, and times of few days and clocks.

Most cells of most files are of these forms. What is read here has the value that the
readers of single cells give it; all other cells are left to them.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..kinds.series import instant_of, microseconds_of
from ..kinds.timezones import zone_of
from .timestamps import Instants

__all__ = ["ReadTexts", "RegularTimes", "numbers_of"]

_CHARACTERS = {
    None: re.compile(r"[0-9+\-\n]*"),
    "point": re.compile(r"[0-9.+\-\n]*"),
    "comma": re.compile(r"[0-9,+\-\n]*"),
}
"""Of cells with a line each, by the decimal sign."""
_CLOCK = re.compile(
    r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[ap]\.?m\.?)?"
    r"(?:(?P<offset>z|[+-]\d\d:?\d\d)(?: [a-z][\w+\-]*)?|(?P<zone> [A-Z]{2,5}))?",
    re.ASCII | re.IGNORECASE,
)
_SIGN = re.compile(r"([T ])\d{1,2}:", re.ASCII)
_MOST = 65_536
_HOUR = 3_600_000_000
_BOUNDS = tuple(
    microseconds_of(dt.datetime(year, 1, 1, tzinfo=dt.UTC)) for year in (1950, 9000)
)


def numbers_of(
    cells: Sequence[str], decimal: str | None
) -> Sequence[float | None] | None:
    """Finite numbers, None for an empty cell; None if a cell is not plain.

    Plain are digits with a sign and the ``decimal`` sign, which is point, comma, or
    None for integers.
    """
    text = "\n".join(cells)
    if _CHARACTERS[decimal].fullmatch(text) is None:
        return None
    if decimal == "comma":
        cells = text.replace(",", ".").split("\n")
    try:
        found: list[float | None] = list(map(float, cells))
        return found if math.isfinite(sum(found)) else None  # type: ignore[arg-type]
    except ValueError:
        return _with_gaps(cells)


def _with_gaps(cells: Sequence[str]) -> Sequence[float | None] | None:
    try:
        found = [float(cell) if cell else None for cell in cells]
    except ValueError:
        return None
    return found if math.isfinite(sum(filter(None, found))) else None


class ReadTexts(dict[str, Any]):
    """The values of the texts of a column, most of which occur again and again."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, text: str) -> Any:
        value = self.read(text)
        if len(self) < _MOST:
            self[text] = value
        return value


class RegularTimes:
    """Times as microseconds since 1970, each the sum of its day and of its clock.

    ``read`` says what a text means. A day counts if local times of ``tz`` have one
    offset until its end; ``has_short_zones``: EDT is what clocks in ``tz`` show.
    """

    def __init__(
        self, read: Callable[[str], Instants], tz: str, *, has_short_zones: bool
    ) -> None:
        self.read, self.zone = read, zone_of(tz)
        self.has_short_zones = has_short_zones
        self.days: dict[tuple[str, str], int] = {}
        self.clocks: dict[str, tuple[str, int]] = {}

    def of(self, texts: Sequence[str]) -> list[int] | None:
        """None if a time is not of that form, invalid, or one of two."""
        if (match := _SIGN.search(texts[0])) is None:
            return None
        sign = match[1]
        if len(self.days) + len(self.clocks) > _MOST:
            self.days.clear()
            self.clocks.clear()
        days, clocks = self.days, self.clocks
        found = []
        try:
            for text in texts:
                day, _, rest = text.partition(sign)
                suffix, time = clocks.get(rest) or self._clock(day, sign, rest)
                start = days.get((day, suffix))
                if start is None:
                    start = self._day(day, sign, suffix)
                found.append(start + time)
        except ValueError:
            return None
        return found if _BOUNDS[0] < min(found) and max(found) < _BOUNDS[1] else None

    def _clock(self, day: str, sign: str, rest: str) -> tuple[str, int]:
        """What is added to the text of a day, and to its time. Raises ValueError."""
        match = _CLOCK.fullmatch(rest)
        if match is None or (match["zone"] and not self.has_short_zones):
            raise ValueError("not a clock")
        suffix = "Z" if match["offset"] else match["zone"] or ""
        start = self._day(day, sign, suffix)
        found = suffix, self._only(f"{day}{sign}{rest}") - start
        self.clocks[rest] = found
        return found

    def _day(self, day: str, sign: str, suffix: str) -> int:
        """The start of a day. Raises ValueError."""
        start = self._only(f"{day}{sign}00:00{suffix}")
        if suffix != "Z" and self._offset(start) != self._offset(start + 25 * _HOUR):
            raise ValueError("clocks change")
        self.days[day, suffix] = start
        return start

    def _only(self, text: str) -> int:
        (found,) = self.read(text)  # ValueError for two
        return microseconds_of(found)

    def _offset(self, time: int) -> dt.timedelta | None:
        return instant_of(time).astimezone(self.zone).utcoffset()
