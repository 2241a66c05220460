"""The samples of a table that is understood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from ...kinds.display import quoted
from ...wire.errors import ParseError
from ...wire.file_errors import FileErrors
from ...wire.files import UnreadableFile
from ..his_csv import CsvSample
from ..his_units import unit_of
from ..timestamps import Instants
from .errors import BadCell
from .layout import ValueColumn
from .names import NamedPoint
from .source import unpacked
from .stamps import instants_of, number_instants
from .understanding import Table, time_text
from .values import CellReader

__all__ = ["TableReader"]

_PROGRESS_LINES = 4_096


class TableReader:
    """Reads a table; counts cells without a value, and rows of its footer."""

    def __init__(self, table: Table, errors: FileErrors) -> None:
        self.table, self.errors = table, errors
        self.empty = self.footers = 0
        self.readers: dict[tuple[str, str, int], CellReader | None] = {}
        self.wide = [
            (column, self._reader(column.point, column.place))
            for column in table.layout.columns
            if column.point is not None
        ]

    def samples(
        self, progress: Callable[[IO[bytes]], None]
    ) -> Iterator[list[CsvSample]]:
        """The samples of each row. Invalid rows are added to ``errors``."""
        table = self.table

        def refuse(err: ParseError) -> None:
            self.errors.add(UnreadableFile(table.path, err.position, err.message))

        try:
            with unpacked(table.path) as raw:
                for count, (line, cells) in enumerate(table.rows(raw, refuse)):
                    if count % _PROGRESS_LINES == 0:
                        progress(raw)
                    if table.is_footer(line, cells):
                        self.footers += 1
                        continue
                    found = self._row(line, cells)
                    if found is not None:
                        yield found
        except UnreadableFile as err:
            self.errors.add(err)

    def _row(self, line: int, cells: list[str]) -> list[CsvSample] | None:
        """None if a cell of the row is invalid."""
        table = self.table
        width = table.width or len(cells)
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            remedy = "quote cells that contain the delimiter"
            found_cells = f"expected {width} cells, found {len(cells)}"
            self._refuse(line, "", found_cells, remedy)
            return None
        if any(cells[at].strip() for at in table.layout.unnamed):
            self._refuse(line, "", "a cell in a column without a header")
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
            tz = reader.column.options.tz or reader.column.point.tz
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
        key = name, unit, column.place
        if key not in self.readers:
            try:
                self.readers[key] = self._named(column, name, unit)
            except ValueError as err:
                at = layout.names if layout.names is not None else layout.units
                self._refuse(line, self.table.shape.header[at or 0], str(err))
                yield column, None
                return
        reader = self.readers[key]
        if reader is not None:
            yield column, reader

    def _named(self, column: ValueColumn, name: str, unit: str) -> CellReader | None:
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
            point = names.find(name, own)
        return None if point is None else self._reader(point, column.place)

    def _reader(self, point: NamedPoint, place: int) -> CellReader:
        options = self.table.options
        column = point.column
        if column.options.tz is None and self.table.shape.zone is not None:
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
        form = self.table.shape.form
        if form == "text":
            return instants_of(text, self.table.order, tz)
        if not text:
            raise ValueError(f"invalid time {quoted(text)}")
        return number_instants(text, form, tz)

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
