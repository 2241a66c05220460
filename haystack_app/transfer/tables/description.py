"""What was understood of a table, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from ...kinds.display import and_more, listed, quoted, shortened
from .reader import TableReader
from .rows import NAMES
from .source import SHEET
from .understanding import Table
from .value_columns import ValueColumn

__all__ = ["description"]

_LAYOUTS = {
    "wide": "wide, a column for each point",
    "long": "long, a row for each sample",
    "single": "the samples of one point",
}
_FORMS = {
    "s": "seconds since 1970",
    "ms": "milliseconds since 1970",
    "us": "microseconds since 1970",
    "ns": "nanoseconds since 1970",
    "serial": "days of a spreadsheet",
}
_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year first"}
_LISTED = 50


def description(reader: TableReader, tz: str | None) -> Iterator[str]:
    """Lines about the file; ``tz`` is the zone that the option gives."""
    table = reader.table
    delimiter = next(name for name, sign in NAMES.items() if sign == table.delimiter)
    yield f"{table.path}"
    yield f"  layout: {_LAYOUTS[table.layout.name]}"
    is_sheet = table.encoding == SHEET
    yield f"  text: {'a sheet' if is_sheet else f'{table.encoding}, {delimiter}s'}"
    yield f"  times: {_times(table)}, {_zone(table, tz)}"
    if table.shift:
        minutes = table.shift.total_seconds() / 60
        yield f"  the times are starts of {minutes:g} minutes: moved to their ends"
    for column in table.layout.columns[:_LISTED]:
        yield f"  {_column(table, column)}"
    yield from and_more(len(table.layout.columns) - _LISTED, "columns", "  ")
    if table.layout.ignored:
        yield f"  left out: {shortened(', '.join(table.layout.ignored))}"
    if table.shape.preamble:
        first = ", ".join(cell for cell in table.shape.preamble[0][1] if cell.strip())
        count = len(table.shape.preamble)
        yield f"  not read before the header: {count:,} rows, {quoted(first)}"
    if reader.footers:
        yield f"  not read at the end: {reader.footers:,} rows"
    if reader.empty:
        yield f"  cells without a value: {reader.empty:,}"


def _times(table: Table) -> str:
    header = table.shape.header
    places = [header[at] for at in table.shape.time] if header else ["column 1"]
    form = _FORMS.get(table.shape.form) or _ORDERS.get(table.order or "")
    form = form or "each date has one reading"
    return f"{listed(places)} ({form})"


def _zone(table: Table, tz: str | None) -> str:
    if table.shape.form in ("s", "ms", "us", "ns"):
        return "UTC"
    suffix = f", read as{table.shape.suffix}" if table.shape.suffix else ""
    zone = table.shape.zone or tz
    return f"local in {zone or 'the zone of each point'}{suffix}"


def _column(table: Table, column: ValueColumn) -> str:
    sign = table.decimals.get(column.place)
    decimal = f", decimal {sign}" if sign else ""
    if column.point is None:
        unit = f", unit {column.unit}" if column.unit else ""
        return f"{column.header} -> the point that the row names{unit}{decimal}"
    point = column.point.column
    unit = f", {point.unit}" if point.unit else ""
    if not unit and point.point.unit:
        unit = f", taken as {point.point.unit}"
    factor = f", times {column.point.factor:g}" if column.point.factor != 1 else ""
    return f"{column.header} -> @{point.point.id}{unit}{factor}{decimal}"
