"""Files of samples: CSV in rows or in columns, and history grids.

CSV rows have the columns ``ts``, ``id`` and ``val`` in any order. CSV columns are
``ts`` and one column per point, whose header is the point's id. Grids (Zinc, JSON) have
the form of hisWrite requests: ``id`` in the meta with the columns ``ts`` and ``val``,
or ``ts`` and columns with an ``id`` in their meta.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
from ..kinds.scalars import Ref
from ..storage.base import StorageAdapter
from ..storage.samples import HisPoint
from ..wire.csv_text import csv_rows
from ..wire.files import UnreadableFile, text_of
from ..wire.zinc_writer import display_text
from .csv_values import cell_reader
from .entity_files import GRID_SUFFIXES, read_grid
from .file_errors import row_error
from .timestamps import instant

__all__ = ["HIS_SUFFIXES", "FileSample", "Points", "read_samples"]

HIS_SUFFIXES = (".csv", *GRID_SUFFIXES)
_ROW_HEADER = {"ts", "id", "val"}


class FileSample(NamedTuple):
    """A sample, and its line in a CSV file or its row in a grid."""

    position: int
    id: str
    ts: DateTime
    value: Any


class Point(NamedTuple):
    his: HisPoint
    read_cell: Callable[[str], Any]


class Points:
    """A cache of the points of a store.

    ``tz`` overrides their zones for times without an offset.
    """

    def __init__(self, adapter: StorageAdapter, tz: str | None = None) -> None:
        self.adapter, self.tz = adapter, tz
        self._cache: dict[str, Point] = {}

    def __getitem__(self, id: str) -> Point:
        """Raises UnknownEntity or NotHistorized."""
        point = self._cache.get(id)
        if point is None:
            his = HisPoint.of(self.adapter.existing(id))
            point = self._cache[id] = Point(his, cell_reader(his))
        return point

    def time(self, text: str, point: Point) -> DateTime:
        return DateTime(instant(text, self.tz or point.his.tz), point.his.tz)


def read_samples(
    path: Path, points: Points, progress: Callable[[IO[bytes]], None] | None = None
) -> Iterator[FileSample]:
    """The samples of one file, in its order. CSV files are streamed.

    ``progress`` is called regularly with the open file. Raises UnreadableFile.
    """
    suffix = path.suffix.lower()
    if suffix not in HIS_SUFFIXES:
        raise UnreadableFile(
            path, "", f"the name must end in {', '.join(HIS_SUFFIXES[:-1])} or .json"
        )
    if suffix != ".csv":
        yield from _grid(path, read_grid(path, text_of(path)), points)
        return
    try:
        with path.open("rb") as raw:
            yield from _csv(path, raw, points, progress or (lambda _: None))
    except OSError as err:
        raise UnreadableFile(path, "", err.strerror or str(err)) from None


# -- CSV ----------------------------------------------------------------------

_PROGRESS_LINES = 4_096


def _lines(path: Path, raw: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UnreadableFile(path, f"line {number}", "invalid UTF-8") from None


def _csv(
    path: Path, raw: IO[bytes], points: Points, progress: Callable[[IO[bytes]], None]
) -> Iterator[FileSample]:
    reader = csv_rows(_lines(path, raw))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        read_row = _rows(header) if "id" in header else _columns(header, points)
        for count, cells in enumerate(reader):
            if count % _PROGRESS_LINES == 0:
                progress(raw)
            if not cells:
                continue
            if len(cells) != len(header):
                raise ValueError(f"expected {len(header)} cells, found {len(cells)}")
            for id, ts, value in read_row(cells, points):
                yield FileSample(reader.line_num, id, ts, value)
    except UnreadableFile:
        raise
    except (ValueError, csv.Error) as err:
        line = max(reader.line_num, 1)
        raise UnreadableFile(path, f"line {line}", str(err)) from None
    progress(raw)


ReadRow = Callable[[list[str], Points], Iterator[tuple[str, DateTime, Any]]]


def _rows(header: list[str]) -> ReadRow:
    if set(header) != _ROW_HEADER or len(header) != len(_ROW_HEADER):
        raise ValueError(f"expected the columns ts, id and val, not {_brief(header)}")
    ts_at, id_at, val_at = (header.index(name) for name in ("ts", "id", "val"))

    def read(cells: list[str], points: Points) -> Iterator[tuple[str, DateTime, Any]]:
        id = _id(cells[id_at])
        point = points[id]
        if not cells[val_at]:
            raise ValueError(f"@{id}: missing value")
        value = _value(id, point, cells[val_at])
        yield id, points.time(cells[ts_at].strip(), point), value

    return read


def _columns(header: list[str], points: Points) -> ReadRow:
    if len(header) < 2 or header[0] != "ts":
        raise ValueError(
            f"expected the columns ts, id, val, or ts and ids, not {_brief(header)}"
        )
    ids = [_id(cell) for cell in header[1:]]
    if duplicates := [id for id, count in Counter(ids).items() if count > 1]:
        raise ValueError(f"duplicate column for @{duplicates[0]}")
    columns = [(id, points[id]) for id in ids]

    def read(cells: list[str], points: Points) -> Iterator[tuple[str, DateTime, Any]]:
        ts = cells[0].strip()
        for (id, point), cell in zip(columns, cells[1:], strict=True):
            if cell:
                yield id, points.time(ts, point), _value(id, point, cell)

    return read


def _value(id: str, point: Point, cell: str) -> Any:
    try:
        return point.read_cell(cell)
    except ValueError as err:
        raise ValueError(f"@{id}: {err}") from None


def _id(cell: str) -> str:
    """``a-1``, ``@a-1`` or ``@a-1 Display name``."""
    text = cell.strip()
    id = text[1:].split(" ")[0] if text.startswith("@") else text
    return Ref(id).id


def _brief(header: list[str]) -> str:
    return ", ".join(header[:4]) + (", .." if len(header) > 4 else "") or "none"


# -- grids --------------------------------------------------------------------


def _grid(path: Path, grid: Grid, points: Points) -> Iterator[FileSample]:
    try:
        ids = _column_ids(grid)
        zones = {name: points[id].his.tz for name, id in ids.items()}
    except ValueError as err:
        raise UnreadableFile(path, "", str(err)) from None
    for row, cells in enumerate(grid.rows, 1):
        ts = cells.get("ts")
        if not isinstance(ts, DateTime):
            reason = f"ts must be a DateTime, not {display_text(ts)}"
            raise row_error(path, row, reason)
        for name, id in ids.items():
            if name in cells:
                yield FileSample(row, id, DateTime(ts.utc, zones[name]), cells[name])


def _column_ids(grid: Grid) -> Mapping[str, str]:
    """Ids of the points by column names."""
    names = grid.names
    if "ts" not in names:
        raise ValueError("a history grid must have a column ts")
    if isinstance(point := grid.meta.get("id"), Ref):
        if "val" not in names:
            raise ValueError(
                "a history grid with an id in its meta must have a column val"
            )
        return {"val": point.id}
    ids: dict[str, str] = {}
    for col in grid.cols:
        if col.name == "ts":
            continue
        ref = col.meta.get("id")
        if not isinstance(ref, Ref):
            raise ValueError(
                f"missing point id: it must be in the meta of the grid or of column"
                f" {col.name}"
            )
        if ref.id in ids.values():
            raise ValueError(f"duplicate column for @{ref.id}")
        ids[col.name] = ref.id
    return ids
