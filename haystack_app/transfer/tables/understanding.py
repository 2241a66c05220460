"""The form of a table, found from all of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from ...kinds.display import quoted
from ...wire.errors import ParseError
from ...wire.files import UnreadableFile
from ..his_points import SamplePoints
from .date_order import DateOrder
from .layout import Layout, layout_of
from .names import PointNames
from .numbers import DecimalEvidence
from .options import TableOptions
from .rows import found_shape, rows_of
from .shape import Row, Shape, role_of, speaks_of_the_end
from .source import encoding_of, unpacked
from .stamps import stamp_of
from .values import without_status

__all__ = ["Table", "time_text", "understood"]

_SAMPLE = 400


@dataclass(slots=True)
class Table:
    """``order`` is that of the fields of dates, None if their form shows it.

    ``last`` is the last line with a time; footers are after it. ``decimals`` are the
    signs by the places of columns.
    """

    path: Path
    options: TableOptions
    encoding: str
    delimiter: str
    shape: Shape
    layout: Layout
    names: PointNames
    order: str | None = None
    last: int = 0
    first: int = 0
    decimals: dict[int, str | None] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return len(self.shape.header)

    def rows(self, raw: IO[bytes], refuse: object) -> Iterator[Row]:
        """The rows of data, and what follows them. Raises UnreadableFile."""
        assert callable(refuse)
        try:
            found = rows_of(self.path, raw, self.encoding, self.delimiter, refuse)
            yield from islice(found, self.shape.first, None)
        except ParseError as err:
            raise UnreadableFile(self.path, err.position, err.message) from None

    def is_footer(self, line: int, cells: Sequence[str]) -> bool:
        """Whether a row after the last one with a time says what it is."""
        if line <= self.last:
            return False
        return speaks_of_the_end(cells)


def time_text(shape: Shape, cells: Sequence[str]) -> str:
    """The time of a row, of one cell or of two."""
    if len(shape.time) == 1:
        return cells[shape.time[0]].strip() + shape.suffix
    date, time = shape.time
    return f"{cells[date].strip()} {cells[time].strip()}{shape.suffix}"


def understood(path: Path, points: SamplePoints, options: TableOptions) -> Table:
    """Raises UnreadableFile."""
    with unpacked(path) as raw:
        try:
            encoding = encoding_of(path, raw)
            delimiter, shape = found_shape(path, raw, encoding, options)
            shape = _with_zone(shape, points.options.tz)
            rows = rows_of(path, raw, encoding, delimiter, lambda _: None)
            sample = [cells for _, cells in islice(rows, shape.first, _SAMPLE)]
            sample = [cells for cells in sample if len(cells) > max(shape.time)]
            names = PointNames(points, options.mapping, _aliases(shape.preamble))
            body = [cells for cells in sample if stamp_of(cells[shape.time[0]].strip())]
            shape = _with_unit(shape, options)
            layout = layout_of(shape, body or sample, names, options)
            table = Table(path, options, encoding, delimiter, shape, layout, names)
            _decide(table, raw)
            return table
        except UnreadableFile:
            raise
        except ParseError as err:
            raise UnreadableFile(path, err.position, err.message) from None
        except ValueError as err:
            raise UnreadableFile(path, "", str(err)) from None


def _with_zone(shape: Shape, tz: str | None) -> Shape:
    """The option decides against what the file says of its zone. Raises ValueError."""
    if tz is not None:
        return shape._replace(zone=None, suffix="", unclear="")
    if shape.unclear and shape.form in ("text", "serial"):
        raise ValueError(
            f"{quoted(shape.unclear)} speaks of a zone: give that of the times with"
            " --tz"
        )
    return shape


def _with_unit(shape: Shape, options: TableOptions) -> Shape:
    """The unit that the preamble of the table of one point names below or beside it."""
    if options.point is None or shape.units or not shape.header:
        return shape
    for number, (_, cells) in enumerate(shape.preamble):
        for at, cell in enumerate(cells):
            if role_of(cell.strip(" :")) == "unit":
                below = shape.preamble[number + 1 : number + 2]
                row = below[0][1] if below and not cell.strip().endswith(":") else []
                unit = row[at] if at < len(row) else "".join(cells[at + 1 : at + 2])
                return shape._replace(units=[unit.strip()] * len(shape.header))
    return shape


def _aliases(preamble: Sequence[Row]) -> dict[str, str]:
    """``Point_1:`` and the name of a point, before a header with ``Point_1``."""
    return {
        cells[0].strip()[:-1]: cells[1].strip()
        for _, cells in preamble
        if len(cells) > 1 and cells[0].strip().endswith(":") and cells[1].strip()
    }


def _decide(table: Table, raw: IO[bytes]) -> None:
    """Decide by all rows what one row does not show. Raises ValueError."""
    dates, decimals = DateOrder(), DecimalEvidence()
    places = _number_places(table)
    for line, cells in table.rows(raw, lambda _: None):
        if len(cells) <= max(table.shape.time):
            continue
        table.first = table.first or line
        if not _has_time(table, cells):
            continue
        table.last = line
        if table.shape.form == "text":
            dates.add(line, cells[table.shape.time[0]].strip())
        for at in places:
            if at < len(cells) and _counts(table, cells):
                decimals.add(line, at, without_status(cells[at].strip())[0])
    table.order = dates.decided(table.options.dates, table.shape.order)
    by_delimiter = "point" if table.delimiter == "," else None
    for column in table.layout.columns:
        at = column.place
        table.decimals[at] = table.options.decimal
        if at in places and table.options.decimal is None:
            table.decimals[at] = decimals.decided(at, column.header, by_delimiter)


def _number_places(table: Table) -> list[int]:
    return [
        column.place
        for column in table.layout.columns
        if column.point is None or column.point.column.point.kind == "Number"
    ]


def _counts(table: Table, cells: Sequence[str]) -> bool:
    """Whether the value of a long row is that of a point of Numbers."""
    at = table.layout.names
    if at is None:
        return True
    if at >= len(cells):
        return False
    return table.names.kind(cells[at].strip()) == "Number"


def _has_time(table: Table, cells: Sequence[str]) -> bool:
    text = cells[table.shape.time[0]].strip()
    if table.shape.form == "text":
        return stamp_of(text) is not None
    return text.replace(".", "", 1).isdigit()
