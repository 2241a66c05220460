"""Tables with a column of times for each point, beside its values, as long tables.

``Time, SAT, Time, RAT``, ``SAT, , RAT,`` with times below the names, or ``Time, Value``
again and again below the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .roles import role_of
from .stamps import is_time_only, stamp_of
from .time_columns import starts_of_data

__all__ = ["Pairs", "pairs_of"]

Row = tuple[int, list[str]]
_ROWS = 20
_AGAIN = re.compile(r"[ ._]?\(?\d{1,3}\)?\Z")
"""What tells equal headers apart."""


class Pairs(NamedTuple):
    """``row`` is the index of the header, ``size`` the columns of each point."""

    row: int
    width: int
    size: int
    names: list[str]

    def long(self, rows: Iterator[Row]) -> Iterator[Row]:
        """A row for each point with a time or value; rows without times as they are."""
        header = ["Point", "Time", "Value", "Status"][: self.size + 1]
        for number, (line, cells) in enumerate(rows):
            if number == self.row:
                yield line, header
            elif number < self.row or not self._has_times(cells):
                yield line, cells
            else:
                for name, group in zip(self.names, self._groups(cells), strict=True):
                    if any(cell.strip() for cell in group):
                        yield line, [name, *group]

    def _has_times(self, cells: list[str]) -> bool:
        """Whether there are times, and nothing after the last column."""
        times = cells[: self.width : self.size]
        return any(map(str.strip, times)) and not any(cells[self.width :])

    def _groups(self, cells: list[str]) -> Iterator[list[str]]:
        """The cells of each point; short rows lack those of the last ones."""
        whole = [*cells, *[""] * (self.width - len(cells))]
        for at in range(0, self.width, self.size):
            yield whole[at : at + self.size]


def pairs_of(sample: Sequence[Row]) -> Pairs | None:
    """None for other tables."""
    found = (_pairs(sample, first) for first in starts_of_data(sample))
    return next((pairs for pairs in found if pairs is not None), None)


def _pairs(sample: Sequence[Row], first: int) -> Pairs | None:
    """With the header before the first row of times."""
    header = [cell.strip() for cell in sample[first - 1][1]]
    body = [cells for _, cells in sample[first : first + _ROWS]]
    size = _size(header, body)
    if size is None:
        return None
    above = [cell.strip() for cell in sample[first - 2][1]] if first > 1 else []
    names = _names(header, above, size)
    return None if names is None else Pairs(first - 1, len(header), size, names)


def _size(header: Sequence[str], body: Sequence[list[str]]) -> int | None:
    """The columns of each point: time, value, and where there is one, status."""
    stamped = {at for row in body for at, cell in enumerate(row) if _is_dated(cell)}
    places = sorted(stamped)
    if len(places) < 2:
        return None
    size = places[1]
    is_status = size == 3 and role_of(header[2]) == "status"
    if (size != 2 and not is_status) or any(at % size for at in (len(header), *places)):
        return None
    values = (row[at] for row in body for at in range(1, len(row), size))
    return None if any(is_time_only(cell.strip()) for cell in values) else size


def _is_dated(cell: str) -> bool:
    return stamp_of(cell.strip()) is not None


def _names(header: Sequence[str], above: Sequence[str], size: int) -> list[str] | None:
    """None if no row names each point, or the columns of times have other headers."""
    firsts, values = list(header[::size]), list(header[1::size])
    if not any(values):
        found = firsts
    elif len({_AGAIN.sub("", name) for name in firsts}) > 1:
        return None
    elif len({_AGAIN.sub("", name) for name in values}) > 1:
        found = values
    else:
        found = list(above[::size]) if len(above) == len(header) else []
    return found if all(found) and len(set(found)) == len(firsts) else None
