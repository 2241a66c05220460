"""CSV of samples: a sample a row, or a point a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..kinds.display import shortened
from ..wire.csv_cells import Quoted, csv_rows
from ..wire.errors import ParseError
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .his_csv_blocks import BlockReader
from .his_points import SampleColumn, SamplePoints
from .his_units import split_unit, unit_of
from .sample_runs import Row, RunBlock, row_blocks
from .tables.source import unpacked
from .timestamps import Instants

__all__ = ["UNNAMED", "CsvSample", "csv_samples"]

_ROW_HEADER = ("ts", "id", "val")
_UNIT_COLUMNS = ("unit", "units")
UNNAMED = re.compile(r"val|v\d+")
"""Columns of an answer of hisRead whose points are in its meta."""


class CsvSample(NamedTuple):
    """A sample whose time may be one of two."""

    line: int
    column: SampleColumn
    times: Instants
    value: Any


Found = Iterator[tuple[SampleColumn, Instants, Any]]


class _Layout(NamedTuple):
    """How a row is read, and a block of rows that are plain."""

    row: Callable[[list[str]], Found]
    block: Callable[[Sequence[Row]], RunBlock | None]


class _Refused(ValueError):
    """Errors of several cells of one row."""


def csv_samples(
    path: Path,
    points: SamplePoints,
    errors: FileErrors,
    progress: Callable[[IO[bytes]], None],
) -> Iterator[list[CsvSample] | RunBlock]:
    """The samples of rows. Invalid rows are added to ``errors``."""
    try:
        with unpacked(path) as raw:
            yield from _read(path, raw, points, errors, progress)
    except UnreadableFile as err:
        errors.add(err)
    except ParseError as err:
        errors.add(UnreadableFile(path, err.position, err.message))


def _lines(path: Path, raw: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UnreadableFile(path, f"line {number}", "invalid UTF-8") from None


def _read(
    path: Path,
    raw: IO[bytes],
    points: SamplePoints,
    errors: FileErrors,
    progress: Callable[[IO[bytes]], None],
) -> Iterator[list[CsvSample] | RunBlock]:

    def refuse(err: ParseError) -> None:
        errors.add(UnreadableFile(path, err.position, err.message))

    rows = csv_rows(_lines(path, raw), refuse)
    line, header = next(rows, (1, []))
    try:
        layout = _layout([cell.strip() for cell in header], points)
    except ValueError as err:
        raise UnreadableFile(path, f"line {line}", str(err)) from None
    left_out: Set[int] = errors.left_out.get(path, frozenset())
    for block in row_blocks(rows):
        progress(raw)
        found = None
        if left_out.isdisjoint(line for line, _ in block):
            found = layout.block(block)
        if found is not None:
            yield found
        else:
            yield from _by_rows(path, block, layout, len(header), errors)
    progress(raw)


def _by_rows(
    path: Path, block: Sequence[Row], layout: _Layout, width: int, errors: FileErrors
) -> Iterator[list[CsvSample]]:
    for line, cells in block:
        try:
            if len(cells) != width:
                raise ValueError(f"expected {width} cells, found {len(cells)}")
            found = [CsvSample(line, *one) for one in layout.row(cells)]
        except ValueError as err:
            errors.add(UnreadableFile(path, f"line {line}", str(err)))
        else:
            yield found


def _layout(header: list[str], points: SamplePoints) -> _Layout:
    return _rows(header, points) if "id" in header else _columns(header, points)


def _rows(header: list[str], points: SamplePoints) -> _Layout:
    names = ["unit" if name in _UNIT_COLUMNS else name for name in header]
    names, units = map(list, zip(*(_value_unit(name) for name in names), strict=True))
    if sorted(set(names) - {"unit"}) != sorted(_ROW_HEADER) or (
        len(set(names)) != len(names)
    ):
        raise ValueError(f"expected the columns ts, id and val, not {_brief(header)}")
    ts_at, id_at, val_at = map(names.index, _ROW_HEADER)
    unit_at = names.index("unit") if "unit" in names else None
    cached: dict[tuple[str, str], SampleColumn] = {}

    def column_of(id: str, unit: str) -> SampleColumn:
        column = cached.get((id, unit))
        if column is None:
            column = _with_unit(points, id, unit, units[val_at])
            cached[id, unit] = column
        return column

    def read(cells: list[str]) -> Found:
        unit = cells[unit_at] if unit_at is not None else ""
        column = column_of(cells[id_at], unit)
        if _is_missing(cells[val_at]):
            raise ValueError(f"@{column.point.id}: missing value")
        value = column.cell(cells[val_at])
        yield column, column.times(cells[ts_at].strip()), value

    places = ts_at, id_at, val_at, unit_at
    blocks, width = BlockReader(), len(header)
    return _Layout(read, lambda block: blocks.rows(block, places, column_of, width))


def _value_unit(name: str) -> tuple[str, str | None]:
    """``val (°C)``: the unit of all values."""
    return split_unit(name) if name.startswith("val") else (name, None)


def _with_unit(
    points: SamplePoints, id: str, unit: str, of_header: str | None
) -> SampleColumn:
    """The point of a row, whose unit may be in the id, in a cell, or in the header."""
    column = points.named(id)
    found = {column.unit, of_header, unit_of(unit) if unit.strip() else None} - {None}
    if len(found) > 1:
        names = " and ".join(sorted(map(str, found)))
        raise ValueError(f"@{column.point.id}: two units for one value, {names}")
    return points.column(column.point.id, found.pop() if found else None)


def _columns(header: list[str], points: SamplePoints) -> _Layout:
    if len(header) < 2 or header[0] != "ts":
        raise ValueError(
            f"expected the columns ts, id, val, or ts and ids, not {_brief(header)}"
        )
    # hisRead answers with as many equal columns as the request names a point
    texts = list(dict.fromkeys(header[1:]))
    places = [header.index(text, 1) for text in texts]
    repeated = [(at, header.index(header[at], 1)) for at in range(1, len(header))]
    columns = list(_all(_column, [(text, points) for text in texts]))
    ids = Counter(column.point.id for column in columns)
    if duplicates := [id for id, count in ids.items() if count > 1]:
        raise ValueError(f"duplicate column for @{duplicates[0]}")

    def read(cells: list[str]) -> Found:
        ts = cells[0].strip()
        if len(columns) + 1 < len(header):
            _check_equal(header, cells, repeated)
        given = [
            (column, cells[at])
            for column, at in zip(columns, places, strict=True)
            if not _is_missing(cells[at])
        ]
        times: dict[str, Instants] = {}
        for column, _ in given:
            if column.point.tz not in times:
                times[column.point.tz] = column.times(ts)
        try:
            values = [column.cell(cell) for column, cell in given]
        except ValueError:
            values = _all(SampleColumn.cell, given)
        for (column, _), value in zip(given, values, strict=True):
            yield column, times[column.point.tz], value

    blocks, width = BlockReader(), len(header)
    given = list(zip(columns, places, strict=True))
    return _Layout(read, lambda block: blocks.columns(block, given, repeated, width))


def _check_equal(
    header: list[str], cells: list[str], repeated: list[tuple[int, int]]
) -> None:
    for at, first in repeated:
        if cells[at] != cells[first]:
            raise ValueError(f"two columns {header[at]} with different values")


def _column(cell: str, points: SamplePoints) -> SampleColumn:
    try:
        return points.named(cell)
    except ValueError as err:
        if UNNAMED.fullmatch(cell):
            hint = "the header must name the point, as in ts,@id"
            raise ValueError(f"{err}: {hint}") from None
        raise


def _all(act: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """All results, or all errors."""
    done, refused = [], []
    for given in arguments:
        try:
            done.append(act(*given))
        except ValueError as err:
            refused.append(str(err))
    if refused:
        raise _Refused("; ".join(dict.fromkeys(refused)))
    return done


def _is_missing(cell: str) -> bool:
    """An empty cell; in quotes it is the empty Str."""
    return not cell and not isinstance(cell, Quoted)


def _brief(header: list[str]) -> str:
    text = ", ".join(header[:4]) + (", .." if len(header) > 4 else "")
    return shortened(text) or "none"
