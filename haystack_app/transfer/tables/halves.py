"""Columns with AM and PM beside the times, as a part of these."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .stamps import is_time_only, stamp_of
from .time_columns import starts_of_data

__all__ = ["half_column", "with_halves"]

Row = tuple[int, list[str]]
_HALF = re.compile(r"[ap]\.? ?m\.?", re.IGNORECASE)


def half_column(sample: Sequence[Row]) -> tuple[int, int] | None:
    """The index of the header, and the column of AM and PM right of the times."""
    for first in starts_of_data(sample):
        cells = sample[first][1]
        for at, cell in enumerate(cells[1:], 1):
            if _HALF.fullmatch(cell.strip()) and _is_time(cells[at - 1]):
                return first - 1, at
    return None


def _is_time(cell: str) -> bool:
    text = cell.strip()
    stamp = stamp_of(text)
    return is_time_only(text) or (stamp is not None and stamp.time is not None)


def with_halves(rows: Iterator[Row], header: int, at: int) -> Iterator[Row]:
    """Rows from the header on, with the column joined to the one before it."""
    for number, (line, cells) in enumerate(rows):
        if number < header or len(cells) <= at:
            yield line, cells
            continue
        half = f" {cells[at].strip()}" if number > header else ""
        yield line, [*cells[: at - 1], f"{cells[at - 1]}{half}", *cells[at + 1 :]]
