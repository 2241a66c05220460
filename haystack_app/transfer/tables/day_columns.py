"""Tables with a row for a day and a column for each of its intervals, as long tables.

The columns are times of day, or intervals: ``00:00-00:30``, or the numbers of hours,
halves or quarters, such as HH01 to HH48. The time of an interval is its end, unless the
option says that the times are starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .stamps import stamp_of
from .time_columns import starts_of_data

__all__ = ["DayColumns", "day_columns"]

Row = tuple[int, list[str]]
_FEWEST = 12
_NUMBERED = re.compile(
    r"(h|hh|hr|h_?e|hour|hour ?ending|period|interval|half ?hour|sp|settlement ?period"
    r"|stunde|heure|hora|ora)?[ _]?0?(\d{1,2})",
    re.IGNORECASE,
)
_CLOCK_FORM = re.compile(r"\d{1,2}:\d\d(:\d\d)?( ?[ap]m)?", re.IGNORECASE)
_RANGE = re.compile(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)")
_MIDNIGHT = re.compile(r"0?0:00(:00)?|12:00(:00)? ?am", re.IGNORECASE)
_MINUTES = 24 * 60
_COUNTS = {24: 24, 25: 24, 48: 48, 50: 48, 96: 96, 100: 96}
"""Of columns, and of intervals a day. Columns for the hour that occurs twice have times
after 24:00, so that values in them are invalid.
"""
_CLOCK, _START, _END = "Time of day", "Start of interval", "End of interval"
_VALUE = "Value"


class DayColumns(NamedTuple):
    """``row`` is the index of the header, ``clocks`` has the times of columns."""

    row: int
    width: int
    clocks: dict[int, str]
    title: str

    def long(self, rows: Iterator[Row]) -> Iterator[Row]:
        """A row for each cell with a value; rows of another length as they are."""
        for number, (line, cells) in enumerate(rows):
            if number < self.row or len(cells) != self.width:
                yield line, cells
            elif number == self.row:
                yield line, [*self._others(cells), self.title, _VALUE]
            else:
                others = self._others(cells)
                for at, clock in self.clocks.items():
                    if cells[at].strip():
                        yield line, [*others, clock, cells[at]]

    def _others(self, cells: list[str]) -> list[str]:
        return [cell for at, cell in enumerate(cells) if at not in self.clocks]


def day_columns(sample: Sequence[Row], *, are_starts: bool) -> DayColumns | None:
    """None for other tables. ``are_starts``: of the times of numbered intervals."""
    for first in starts_of_data(sample):
        header = sample[first - 1][1]
        clocks = _clocks(header, are_starts=are_starts)
        clocks = clocks or _numbers(header, are_starts=are_starts)
        if len(clocks) >= _FEWEST and _is_day(sample[first][1], clocks):
            title = _START if are_starts else _END
            if _CLOCK_FORM.fullmatch(header[min(clocks)].strip()):
                title = _CLOCK
            return DayColumns(first - 1, len(header), clocks, title)
    return None


def _is_day(cells: Sequence[str], clocks: dict[int, str]) -> bool:
    """Whether the row has a date without a time, and none among its values."""
    stamps = {at: stamp_of(cell.strip()) for at, cell in enumerate(cells)}
    dates = [stamp for at, stamp in stamps.items() if stamp and at not in clocks]
    return len(dates) == 1 and dates[0].time is None


def _clocks(header: Sequence[str], *, are_starts: bool) -> dict[int, str]:
    """Times of day, or from one to another; a last midnight is the end of the day."""
    found = {}
    for at, cell in enumerate(header):
        if _CLOCK_FORM.fullmatch(text := cell.strip()):
            found[at] = text
        elif match := _RANGE.fullmatch(text):
            found[at] = match[1 if are_starts else 2]
    *others, last = found or (-1,)
    if others and _MIDNIGHT.fullmatch(found[last]):
        found[last] = "24:00"
    return found if len(set(found.values())) == len(found) else {}


def _numbers(header: Sequence[str], *, are_starts: bool) -> dict[int, str]:
    matches = {
        at: match
        for at, cell in enumerate(header)
        if (match := _NUMBERED.fullmatch(cell.strip())) is not None
    }
    numbers = [int(match[2]) for match in matches.values()]
    count = len(numbers)
    if count not in _COUNTS or len({match[1] for match in matches.values()}) > 1:
        return {}
    if numbers not in (list(range(count)), list(range(1, count + 1))):
        return {}
    step = _MINUTES // _COUNTS[count]
    shift = 1 if numbers[0] == 0 and not are_starts else 0
    shift -= 1 if numbers[0] == 1 and are_starts else 0
    return {
        at: "{:02d}:{:02d}".format(*divmod((int(match[2]) + shift) * step, 60))
        for at, match in matches.items()
    }
