"""What all rows of a table show of the order of its dates and of its decimal signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .date_order import DateOrder
from .names import PointNames
from .numbers import DecimalEvidence
from .shape import Row, Shape
from .stamps import stamp_of
from .time_columns import date_text
from .value_columns import Layout

__all__ = ["Evidence"]

_SIGN = re.compile(r"([T ])\d{1,2}:", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?", re.ASCII)
_MOST = 65_536


class Evidence:
    """``places`` are the columns of numbers, ``last`` the last line with a time."""

    def __init__(
        self, shape: Shape, layout: Layout, names: PointNames, places: Sequence[int]
    ) -> None:
        self.shape, self.layout, self.names = shape, layout, names
        self.places = places
        self.dates, self.decimals = DateOrder(), DecimalEvidence()
        self.days, self.clocks = set[str](), set[str]()
        self.last = 0

    def add(self, block: Sequence[Row]) -> None:
        needed = max(self.shape.time)
        rows = [row for row in block if len(row[1]) > needed]
        texts = [date_text(self.shape.time, cells) for _, cells in rows]
        if others := self._others(rows, texts):
            found = zip(rows, texts, strict=True)
            rows = [row for row, text in found if text not in others]
        if rows:
            self.last = rows[-1][0]
            self._add_numbers(rows)

    def _others(self, rows: Sequence[Row], texts: Sequence[str]) -> set[str]:
        """The texts that are not times; a date is looked at once for all clocks."""
        if self.shape.form != "text":
            return {text for text in set(texts) if not _is_number(text)}
        first = dict(zip(reversed(texts), reversed(rows), strict=True))
        match = _SIGN.search(texts[0]) if texts else None
        sign = match[1] if match else " "
        others = set()
        for text in dict.fromkeys(texts):
            day, _, clock = text.partition(sign)
            if day in self.days and clock in self.clocks:
                continue
            if stamp_of(text) is None:
                others.add(text)
                continue
            self.dates.add(first[text][0], text)
            if len(self.days) < _MOST and _CLOCK.fullmatch(clock):
                self.days.add(day)
                self.clocks.add(clock)
        return others

    def _add_numbers(self, rows: Sequence[Row]) -> None:
        if (at := self.layout.names) is not None:
            kinds = {
                name: self.names.kind(name.strip())
                for name in {cells[at] for _, cells in rows if len(cells) > at}
            }
            rows = [
                row
                for row in rows
                if len(row[1]) > at and kinds[row[1][at]] == "Number"
            ]
        for place in self.places:
            found = [(line, cells[place]) for line, cells in rows if len(cells) > place]
            self.decimals.add_all(place, found)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
