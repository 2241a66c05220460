"""The samples of a table that is understood."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import IO

from ...wire.errors import ParseError
from ...wire.file_errors import FileErrors
from ...wire.files import UnreadableFile
from ..his_csv import CsvSample
from ..his_units import unit_of
from ..sample_runs import RunBlock
from ..timestamps import Instants
from .column_reader import ColumnReader
from .errors import BadCell
from .interval_ends import check_amounts
from .names import NamedPoint
from .shape import Row
from .source import unpacked
from .understanding import Table, time_text
from .value_columns import ValueColumn
from .values import CellReader

__all__ = ["TableReader"]


class TableReader:
    """Reads a table; counts cells without a value, and rows of its footer."""

    def __init__(self, table: Table, errors: FileErrors) -> None:
        self.table, self.errors = table, errors
        self.empty = self.footers = 0
        self.readers: dict[tuple[str, str, int], CellReader | None] = {}
        places = [column.place for column in table.layout.columns]
        self.needed = 1 + max(*table.shape.time, *places)
        self.wide = [
            (column, self._reader(column.point, column.place))
            for column in table.layout.columns
            if column.point is not None
        ]

    def samples(
        self, progress: Callable[[IO[bytes]], None]
    ) -> Iterator[list[CsvSample] | RunBlock]:
        """The samples of rows. Invalid rows are added to ``errors``.

        Rows without anything that needs a closer look are read by columns.
        """
        table = self.table
        columns = ColumnReader(table, self.wide, self.reader_of)
        left_out: Set[int] = self.errors.left_out.get(table.path, frozenset())

        def refuse(err: ParseError) -> None:
            self.errors.add(UnreadableFile(table.path, err.position, err.message))

        try:
            with unpacked(table.path) as raw:
                for block in table.blocks(raw, refuse):
                    progress(raw)
                    found = None
                    if left_out.isdisjoint(line for line, _ in block):
                        found = columns.read(block)
                    if found is not None:
                        self.empty += found.empty
                        yield found
                    else:
                        yield from self._rows(block)
        except UnreadableFile as err:
            self.errors.add(err)

    def _rows(self, block: Iterable[Row]) -> Iterator[list[CsvSample]]:
        for line, cells in block:
            if self.table.is_footer(line, cells):
                self.footers += 1
                continue
            found = self._row(line, cells)
            if found is not None:
                yield found

    def _row(self, line: int, cells: list[str]) -> list[CsvSample] | None:
        """None if a cell of the row is invalid."""
        table = self.table
        width = table.width or max(len(cells), self.needed)
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            remedy = "quote cells that contain the delimiter"
            if len(cells) < width:
                remedy = "leave cells without a value empty"
            found_cells = f"expected {width} cells, found {len(cells)}"
            self._refuse(line, "", found_cells, remedy)
            return None
        if any(cells[at].strip() for at in table.layout.unnamed):
            self._refuse(line, "", "a cell in a column without a header")
            return None
        for at, unit in table.layout.constants.items():
            if cells[at].strip() not in ("", unit):
                self._refuse(
                    line, table.shape.header[at], f"the other rows have {unit}"
                )
                return None
        found: list[CsvSample] = []
        is_valid = True
        text = time_text(table.shape, cells)
        times: dict[str, Instants] = {}
        for column, reader in self._columns(line, cells):
            if reader is None:
                is_valid = False
                continue
            try:
                status = None if column.status is None else cells[column.status]
                value = reader.read(cells[column.place], status)
            except ValueError as err:
                self._refuse(line, column.header, str(err), _remedy(str(err)))
                is_valid = False
                continue
            tz = reader.tz
            if tz not in times:
                try:
                    times[tz] = self._times(text, tz)
                except ValueError as err:
                    self._refuse(line, self._time_header, str(err))
                    return None
            if value is None:
                self.empty += 1
            else:
                found.append(CsvSample(line, reader.column, times[tz], value))
        return found if is_valid else None

    def _columns(
        self, line: int, cells: list[str]
    ) -> Iterator[tuple[ValueColumn, CellReader | None]]:
        """The reader of each column, None where the row's name or unit is invalid."""
        layout = self.table.layout
        if layout.names is None and layout.units is None:
            yield from self.wide
            return
        (column,) = layout.columns
        name = "" if layout.names is None else cells[layout.names].strip()
        unit = "" if layout.units is None else cells[layout.units].strip()
        try:
            reader = self.reader_of(name, unit, [cells[column.place]])
        except ValueError as err:
            at = layout.names if layout.names is not None else layout.units
            self._refuse(line, self.table.shape.header[at or 0], str(err))
            yield column, None
            return
        if reader is not None:
            yield column, reader

    def reader_of(
        self, name: str, unit: str, cells: Sequence[str]
    ) -> CellReader | None:
        """The reader of the value that a row names, None if it is left out.

        Raises ValueError.
        """
        (column,) = self.table.layout.columns
        key = name, unit, column.place
        if key not in self.readers:
            self.readers[key] = self._named(column, name, unit, cells)
        return self.readers[key]

    def _named(
        self, column: ValueColumn, name: str, unit: str, cells: Sequence[str]
    ) -> CellReader | None:
        units = {unit_of(one) for one in (unit, column.unit) if one}
        if len(units) > 1:
            raise ValueError(f"two units for one value, {' and '.join(sorted(units))}")
        own = units.pop() if units else None
        names = self.table.names
        if column.point is not None:
            id = column.point.column.point.id
            point: NamedPoint | None = names.point(id, own or column.point.column.unit)
        elif not name:
            raise ValueError("the row does not name a point")
        else:
            point = names.found_or_new(name, own, cells)
        if point is not None and self.table.options.stamps is not None:
            check_amounts(names.points, point.column.point.id)
        return None if point is None else self._reader(point, column.place)

    def _reader(self, point: NamedPoint, place: int) -> CellReader:
        options = self.table.options
        column = point.column
        if self.table.shape.zone is not None:
            zone = column.options._replace(tz=self.table.shape.zone)
            column = column._replace(options=zone)
        return CellReader(
            column,
            decimal=self.table.decimals.get(place),
            factor=point.factor,
            enum=point.enum,
            no_value=options.no_value,
            status=options.status,
        )

    def _times(self, text: str, tz: str) -> Instants:
        shift = self.table.shift
        return tuple(time + shift for time in self.table.times(text, tz))

    @property
    def _time_header(self) -> str:
        header = self.table.shape.header
        return header[self.table.shape.time[0]] if header else "1"

    def _refuse(self, line: int, column: str, reason: str, remedy: str = "") -> None:
        self.errors.add(BadCell(self.table.path, line, column, reason, remedy))


def _remedy(reason: str) -> str:
    """What helps with an invalid value; other errors name their option."""
    is_invalid = ": invalid " in reason and "--" not in reason
    return (
        "--no-value WORD if the text means that there is no value" if is_invalid else ""
    )
