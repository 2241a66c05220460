"""The order of day, month and year in the dates of a column, by all of them."""

from __future__ import annotations

from ...kinds.display import quoted
from .stamps import Stamp, stamp_of

__all__ = ["DateOrder"]


def _is_open(stamp: Stamp) -> bool:
    """Whether the orders give different days.

    22-Sep-26 begins with the day if no other row shows the year there: a year before
    the name of a month is written in full.
    """
    one, two, three = stamp.fields
    is_same = one == two and three >= 100
    return len(stamp.orders) > 1 and not stamp.is_named and not is_same


class DateOrder:
    """The orders of day, month and year that all dates of a column allow."""

    def __init__(self) -> None:
        self.possible: frozenset[str] | None = None
        self.first: dict[frozenset[str], tuple[int, str]] = {}
        self.open: tuple[int, str] | None = None

    def add(self, line: int, text: str) -> None:
        stamp = stamp_of(text)
        if stamp is None or not stamp.by_column:
            return
        if self.possible is None:
            self.possible = stamp.orders
        self.possible &= stamp.orders
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
        if len(self.possible) == 1 or self.open is None:
            return min(self.possible)
        line, text = self.open
        raise ValueError(
            f"{quoted(text)} in line {line} has two readings, and no other date"
            f" decides: give --dates {' or --dates '.join(sorted(self.possible))}"
        )
