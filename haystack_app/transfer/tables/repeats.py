"""Tables of new points whose rows repeat their times, as those of several points do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...kinds.display import quoted
from .time_columns import time_of

if TYPE_CHECKING:
    from .understanding import Table

__all__ = ["check_repeats"]


def check_repeats(table: Table, sample: Sequence[list[str]]) -> None:
    """Raises ValueError if most times repeat.

    A column then names the points of the others, or is a part of the time, and storing
    them would mix their values.
    """
    layout = table.layout
    if table.options.new is None or layout.name != "wide":
        return
    times = Counter(_times(table, sample))
    repeated = sum(number for number in times.values() if number > 1)
    if 2 * repeated > times.total():
        text, count = times.most_common(1)[0]
        raise ValueError(
            f"{count:,} rows have the time {quoted(text)}: if a column names the points"
            " of the rows, give it with --name; if one is a part of the time, with"
            " --time; otherwise name the points with --mapping"
        )


def _times(table: Table, sample: Iterable[list[str]]) -> Iterable[str]:
    """The times of rows, without those that occur twice because clocks go back."""
    tz = table.names.points.options.tz or "UTC"
    for cells in sample:
        text = time_of(table.shape.time, cells) + table.shape.suffix
        try:
            if len(table.times(text, tz)) == 1:
                yield text
        except ValueError:  # the row is refused later
            continue
