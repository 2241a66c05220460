"""Histories as rows of a sheet: the local time, and a column for each point.

The header of times names their zone. They are times of the spreadsheet, except for
those that it cannot hold exactly, or that occur twice when clocks are set back: these
are texts with their offset.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ...kinds.datetimes import DateTime
from ...kinds.grid import Col, Grid
from ...kinds.scalars import Number, Ref
from ...kinds.series import JoinedRows, JoinedSeries, Series
from ...kinds.timezones import zone_of
from ...wire.csv_writer import value_text
from ...wire.errors import EncodeError
from ..tables.stamps import zone_named
from ..tables.values import NO_VALUE
from .sheet import FIRST_DAY, Sheet

__all__ = ["history_sheet", "is_history"]


def is_history(grid: Grid) -> bool:
    return isinstance(grid.rows, Series | JoinedSeries | JoinedRows)


def history_sheet(grid: Grid) -> Sheet:
    """Raises EncodeError."""
    assert isinstance(grid.rows, Series | JoinedSeries | JoinedRows)
    units = list(_units(grid))
    pairs = list(zip(grid.cols[1:], units, strict=True))
    tz = grid.rows.tz
    zone = tz if zone_named(tz) == tz else None
    titles = [f"ts ({tz})" if zone else "ts"]
    titles += [_title(grid, col, unit) for col, unit in pairs]
    sheet = Sheet(titles)
    try:
        for row in grid.rows:
            cells = [_time(row["ts"], is_local=zone is not None)]
            for col, unit in pairs:
                value = row.get(col.name)
                cells.append(None if value is None else _cell(value, unit))
            sheet.add(cells)
    except BaseException:
        sheet.close()
        raise
    return sheet


def _units(grid: Grid) -> Iterator[str | None]:
    if isinstance(grid.rows, Series):
        yield grid.rows.unit
    elif isinstance(grid.rows, JoinedSeries):
        yield from (one.unit for one in grid.rows.series)
    else:
        yield from (col.meta.get("unit") for col in grid.cols[1:])


def _title(grid: Grid, col: Col, unit: str | None) -> str:
    """The id, the fold, and the unit in brackets, as in CSV."""
    point = col.meta.get("id") or grid.meta.get("id")
    title = point.id if isinstance(point, Ref) else col.name
    if fold := col.meta.get("rollup"):
        title = f"{title} {fold}"
    return f"{title} ({unit})" if unit else title


def _time(time: DateTime, *, is_local: bool) -> Any:
    local = time.utc.astimezone(zone_of(time.tz))
    other = local.replace(fold=1 - local.fold)
    if (
        not is_local
        or local.date() <= FIRST_DAY
        or local.microsecond % 1000
        or local.utcoffset() != other.utcoffset()
    ):
        return time.iso
    return dt.datetime.combine(local.date(), local.time())


def _cell(value: Any, unit: str | None) -> Any:
    if isinstance(value, Number):
        is_plain = value.is_finite and value.unit == unit
        return value.val if is_plain else value_text(value)
    if isinstance(value, bool):
        return value
    text = value_text(value)
    if isinstance(value, str) and (
        text != text.strip() or text.lower() in NO_VALUE or not text
    ):
        raise EncodeError(
            f"xlsx: a sample is the Str {text[:40]!r}, which a cell does not keep: ask"
            " for another format, such as csv"
        )
    return text
