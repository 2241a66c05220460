"""Samples in files: CSV in rows or in columns, and history grids.

CSV rows are ``ts,id,val`` in any order of columns; CSV columns are ``ts`` and one
column a point, whose header is the point's id. Grids (Zinc, Hayson) are what
hisWrite takes: ``id`` in the meta with ``ts,val``, or ``ts`` and columns that have
an ``id`` in their meta.
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
from ..wire.files import UnreadableFile, text_of
from .csv_values import cell_reader
from .entity_files import GRID_SUFFIXES, read_grid
from .file_errors import at_row
from .timestamps import instant

__all__ = ["HIS_SUFFIXES", "PlacedSample", "Points", "read_samples"]

HIS_SUFFIXES = (".csv", *GRID_SUFFIXES)
_ROW_HEADER = {"ts", "id", "val"}


class PlacedSample(NamedTuple):
    """A sample and the line (of CSV) or the row (of a grid) it came from."""

    place: int
    id: str
    ts: DateTime
    value: Any


class Point(NamedTuple):
    his: HisPoint
    read_cell: Callable[[str], Any]


class Points:
    """Points of a store, asked for once each.

    ``tz`` overrides their zones for times without an offset.
    """

    def __init__(self, adapter: StorageAdapter, tz: str | None = None) -> None:
        self.adapter, self.tz = adapter, tz
        self._known: dict[str, Point] = {}

    def __getitem__(self, id: str) -> Point:
        """Raises UnknownEntity or NotHistorized."""
        point = self._known.get(id)
        if point is None:
            his = HisPoint.of(self.adapter.existing(id))
            point = self._known[id] = Point(his, cell_reader(his))
        return point

    def time(self, text: str, point: Point) -> DateTime:
        return DateTime(instant(text, self.tz or point.his.tz), point.his.tz)


def read_samples(
    path: Path, points: Points, watch: Callable[[IO[bytes]], None] | None = None
) -> Iterator[PlacedSample]:
    """The samples of one file, in its order; CSV is read as it is consumed.

    ``watch`` is called now and then with the open file. Raises UnreadableFile.
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
            yield from _csv(path, raw, points, watch or (lambda _: None))
    except OSError as err:
        raise UnreadableFile(path, "", err.strerror or str(err)) from None


# -- CSV ----------------------------------------------------------------------

_WATCH_EVERY = 4_096


def _lines(path: Path, raw: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UnreadableFile(path, f"line {number}", "invalid UTF-8") from None


def _csv(
    path: Path, raw: IO[bytes], points: Points, watch: Callable[[IO[bytes]], None]
) -> Iterator[PlacedSample]:
    reader = csv.reader(_lines(path, raw), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        read_row = _rows(header) if "id" in header else _columns(header, points)
        for count, cells in enumerate(reader):
            if count % _WATCH_EVERY == 0:
                watch(raw)
            if not cells:
                continue
            if len(cells) != len(header):
                raise ValueError(f"expected {len(header)} cells, found {len(cells)}")
            for id, ts, value in read_row(cells, points):
                yield PlacedSample(reader.line_num, id, ts, value)
    except UnreadableFile:
        raise
    except (ValueError, csv.Error) as err:
        line = max(reader.line_num, 1)
        raise UnreadableFile(path, f"line {line}", str(err)) from None
    watch(raw)


ReadRow = Callable[[list[str], Points], Iterator[tuple[str, DateTime, Any]]]


def _rows(header: list[str]) -> ReadRow:
    if set(header) != _ROW_HEADER or len(header) != len(_ROW_HEADER):
        raise ValueError(f"expected the columns ts, id and val, not {_shown(header)}")
    ts_at, id_at, val_at = (header.index(name) for name in ("ts", "id", "val"))

    def read(cells: list[str], points: Points) -> Iterator[tuple[str, DateTime, Any]]:
        id = _id(cells[id_at])
        point = points[id]
        if not cells[val_at]:
            raise ValueError(f"@{id}: no value")
        value = _value(id, point, cells[val_at])
        yield id, points.time(cells[ts_at].strip(), point), value

    return read


def _columns(header: list[str], points: Points) -> ReadRow:
    if len(header) < 2 or header[0] != "ts":
        raise ValueError(
            f"expected the columns ts, id, val, or ts and ids, not {_shown(header)}"
        )
    ids = [_id(cell) for cell in header[1:]]
    if twice := [id for id, count in Counter(ids).items() if count > 1]:
        raise ValueError(f"two columns of @{twice[0]}")
    found = [(id, points[id]) for id in ids]

    def read(cells: list[str], points: Points) -> Iterator[tuple[str, DateTime, Any]]:
        ts = cells[0].strip()
        for (id, point), cell in zip(found, cells[1:], strict=True):
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


def _shown(header: list[str]) -> str:
    return ", ".join(header[:4]) + (", .." if len(header) > 4 else "") or "none"


# -- grids --------------------------------------------------------------------


def _grid(path: Path, grid: Grid, points: Points) -> Iterator[PlacedSample]:
    try:
        ids = _ids_of_columns(grid)
        zones = {name: points[id].his.tz for name, id in ids.items()}
    except ValueError as err:
        raise UnreadableFile(path, "", str(err)) from None
    for row, cells in enumerate(grid.rows, 1):
        ts = cells.get("ts")
        if not isinstance(ts, DateTime):
            raise at_row(path, row, f"ts must be a DateTime, not {ts!r}")
        for name, id in ids.items():
            if name in cells:
                yield PlacedSample(row, id, DateTime(ts.utc, zones[name]), cells[name])


def _ids_of_columns(grid: Grid) -> Mapping[str, str]:
    """Ids of the points by names of the columns."""
    names = grid.names
    if "ts" not in names:
        raise ValueError("a history grid has a column ts")
    if isinstance(one := grid.meta.get("id"), Ref):
        if "val" not in names:
            raise ValueError("a history grid with an id in its meta has a column val")
        return {"val": one.id}
    ids: dict[str, str] = {}
    for col in grid.cols:
        if col.name == "ts":
            continue
        ref = col.meta.get("id")
        if not isinstance(ref, Ref):
            raise ValueError(
                f"no id of a point: neither the grid nor column {col.name} has one"
            )
        if ref.id in ids.values():
            raise ValueError(f"two columns of @{ref.id}")
        ids[col.name] = ref.id
    return ids
