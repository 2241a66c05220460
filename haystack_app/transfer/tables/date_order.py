"""The order of day, month and year in the dates of a column, by all of them."""

from __future__ import annotations

from ...kinds.display import quoted
from .stamps import Stamp, stamp_of

__all__ = ["DateOrder"]


_FEW = 1_000


def _is_open(stamp: Stamp) -> bool:
    """Whether the orders give different days."""
    one, two, three = stamp.fields
    is_same = one == two and (three >= 100 or stamp.is_year_last)
    orders = stamp.orders - {"ymd"} if stamp.is_year_last else stamp.orders
    return len(orders) > 1 and not is_same


class DateOrder:
    """The orders of day, month and year that all dates of a column allow.

    A short year is the last number of 15.06.24, 15/06/24 and 22-Sep-26, if no other row
    shows it at the start, and the first numbers are not fewer than the last ones.
    """

    def __init__(self) -> None:
        self.possible: frozenset[str] | None = None
        self.is_year_last = True
        self.firsts, self.lasts = set[int](), set[int]()
        self.first: dict[frozenset[str], tuple[int, str]] = {}
        self.open: tuple[int, str] | None = None

    def add(self, line: int, text: str) -> None:
        stamp = stamp_of(text)
        if stamp is None or not stamp.by_column:
            return
        if self.possible is None:
            self.possible = stamp.orders
        self.possible &= stamp.orders
        self.is_year_last &= stamp.is_year_last
        if len(self.firsts) + len(self.lasts) < _FEW:
            self.firsts.add(stamp.fields[0])
            self.lasts.add(stamp.fields[2])
        self.first.setdefault(stamp.orders, (line, text))
        if self.open is None and _is_open(stamp):
            self.open = line, text

    def decided(self, option: str | None, hint: str | None) -> str | None:
        if self.possible is None:
            return None
        if option is not None:
            return option
        if not self.possible:
            shown = " and ".join(
                f"{quoted(text)} in line {line}" for line, text in self.first.values()
            )
            raise ValueError(
                f"no order of day and month fits all dates, such as {shown}: give"
                " --dates dmy, mdy or ymd to see which rows are invalid"
            )
        if hint is not None:
            if hint in self.possible:
                return hint
            raise ValueError(
                f"the header says that dates are {hint}, but they are not: give --dates"
            )
        found = self.possible
        if self.is_year_last and len(self.firsts) >= len(self.lasts):
            found = found - {"ymd"} or found
        if len(found) == 1 or (self.open is None and "ymd" not in found):
            return min(found)
        line, text = self.open or next(iter(self.first.values()))
        raise ValueError(
            f"{quoted(text)} in line {line} has two readings, and no other date"
            f" decides: give --dates {' or --dates '.join(sorted(self.possible))}"
        )
