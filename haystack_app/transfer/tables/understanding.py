"""The form of a table, found from all of its rows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from ...kinds.display import quoted
from ...wire.errors import ParseError
from ...wire.files import UnreadableFile
from ..his_points import SamplePoints
from ..sample_runs import row_blocks
from ..timestamps import Instants
from .blocks import SeveralTables
from .evidence import Evidence
from .footers import speaks_of_the_end
from .interval_ends import check_amounts, interval_of
from .labels import name_above
from .layout import layout_of
from .long_layout import NamesInParts
from .names import PointNames
from .one_table import begins_another, check_above, check_is_one
from .options import TableOptions
from .repeats import check_repeats
from .roles import role_of
from .rows import found_shape, sample_rows
from .shape import Row, Shape
from .source import encoding_of, unpacked
from .stamps import instants_of, number_instants, stamp_of
from .time_columns import date_text, time_of
from .value_columns import Layout

__all__ = ["Table", "time_text", "understood"]

_SAMPLE = 400
_NOTHING = dt.timedelta(0)


@dataclass(slots=True)
class Table:
    """``order`` is that of the fields of dates, None if their form shows it.

    ``last`` is the last line with a time; footers are after it. ``decimals`` are the
    signs by the places of columns. ``shift`` is added to the times.
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
    decimals: dict[int, str | None] = field(default_factory=dict)
    shift: dt.timedelta = _NOTHING

    @property
    def width(self) -> int:
        return len(self.shape.header)

    def times(self, text: str, tz: str) -> Instants:
        """The UTC times of the time of a row. Raises ValueError."""
        if self.shape.form == "text":
            return instants_of(text, self.order, tz)
        if not text:
            raise ValueError(f"invalid time {quoted(text)}")
        return number_instants(text, self.shape.form, tz)

    def rows(self, raw: IO[bytes], refuse: object) -> Iterator[Row]:
        """The rows of data, and what follows them. Raises UnreadableFile."""
        assert callable(refuse)
        try:
            found = sample_rows(
                *(self.path, raw, self.encoding, self.delimiter, refuse, self.options)
            )
            yield from islice(found, self.shape.first, None)
        except ParseError as err:
            raise UnreadableFile(self.path, err.position, err.message) from None

    def blocks(self, raw: IO[bytes], refuse: object) -> Iterator[list[Row]]:
        """The rows in blocks; files that are joined have the header again."""
        for block in row_blocks(self.rows(raw, refuse)):
            if kept := self.without_headers(block):
                yield kept

    def without_headers(self, block: list[Row]) -> list[Row]:
        header = self.shape.titles
        return [row for row in block if row[1] != header]

    def is_footer(self, line: int, cells: Sequence[str]) -> bool:
        """Whether a row after the last one with a time says what it is."""
        if line <= self.last:
            return False
        return speaks_of_the_end(cells)


def time_text(shape: Shape, cells: Sequence[str]) -> str:
    return time_of(shape.time, cells) + shape.suffix


def understood(path: Path, points: SamplePoints, options: TableOptions) -> Table:
    """Raises UnreadableFile."""
    try:
        return _understood(path, points, options)
    except NamesInParts as err:
        return _understood(path, points, options._replace(name=err.headers))
    except SeveralTables as err:
        return understood(path, points, options._replace(blocks=err.blocks))


def _understood(path: Path, points: SamplePoints, options: TableOptions) -> Table:
    with unpacked(path) as raw:
        try:
            encoding = encoding_of(path, raw)
            delimiter, shape = found_shape(path, raw, encoding, options)
            again = partial(
                sample_rows, path, raw, encoding, delimiter, lambda _: None, options
            )
        except ParseError as err:
            raise UnreadableFile(path, err.position, err.message) from None
        except ValueError as err:
            raise UnreadableFile(path, "", str(err)) from None
        try:
            check_above(shape)
            is_new = options.new is not None or bool(points.options.planned)
            shape = _with_zone(shape, points.options.tz, is_new=is_new)
            if name_above(shape.above) is not None:
                # otherwise found later, when points may have been planned
                check_is_one(again(), shape, options)
            sample = [cells for _, cells in islice(again(), shape.first, _SAMPLE)]
            sample = [cells for cells in sample if len(cells) > max(shape.time)]
            names = PointNames(
                points, options.mapping, _aliases(shape.preamble), options.new
            )
            body = [cells for cells in sample if stamp_of(date_text(shape.time, cells))]
            shape = _with_unit(shape, options)
            layout = layout_of(shape, body or sample, names, options)
            table = Table(path, options, encoding, delimiter, shape, layout, names)
            for column in layout.columns if options.stamps else ():
                if column.point is not None:
                    check_amounts(points, column.point.column.point.id)
            _decide(table, raw)
            check_repeats(table, sample)
            if options.stamps == "start":
                table.shift = _interval(table, sample)
            return table
        except UnreadableFile:
            raise
        except ParseError as err:
            raise UnreadableFile(path, err.position, err.message) from None
        except ValueError as err:
            check_is_one(again(), shape, options)
            raise UnreadableFile(path, "", str(err)) from None


def _interval(table: Table, sample: Iterable[list[str]]) -> dt.timedelta:
    names, times = table.layout.names, defaultdict[str, list[dt.datetime]](list)
    points = [it.point.column.point.tz for it in table.layout.columns if it.point]
    tz = table.shape.zone or table.names.points.options.tz or next(iter(points), "UTC")
    for cells in sample:
        with suppress(ValueError, IndexError):  # the row is refused later
            name = "" if names is None else cells[names].strip()
            times[name].append(table.times(time_text(table.shape, cells), tz)[0])
    return interval_of(times)


def _with_zone(shape: Shape, tz: str | None, *, is_new: bool) -> Shape:
    """The option decides against what the file says of its zone.

    If it is also the zone of points that are made, it decides only what the file leaves
    open. Raises ValueError.
    """
    if tz is not None and is_new:
        return shape._replace(unclear="")
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
    places = _number_places(table)
    evidence = Evidence(table.shape, table.layout, table.names, places)
    headers = 0
    for block in row_blocks(table.rows(raw, lambda _: None)):
        kept = table.without_headers(block)
        headers += len(block) - len(kept)
        headers += any(begins_another(table.shape, cells) for _, cells in kept)
        evidence.add(kept)
    if headers:
        rows = sample_rows(
            *(table.path, raw, table.encoding, table.delimiter, lambda _: None),
            table.options,
        )
        check_is_one(rows, table.shape, table.options)
    table.last = evidence.last
    table.order = evidence.dates.decided(table.options.dates, table.shape.order)
    by_delimiter = "point" if table.delimiter == "," else None
    for column in table.layout.columns:
        at = column.place
        table.decimals[at] = table.options.decimal
        if at in evidence.places and table.options.decimal is None:
            table.decimals[at] = evidence.decimals.decided(
                at, column.header, by_delimiter
            )


def _number_places(table: Table) -> list[int]:
    return [
        column.place
        for column in table.layout.columns
        if column.point is None or column.point.column.point.kind == "Number"
    ]
