"""Grids of samples, in the form of hisWrite requests and hisRead answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..kinds.datetimes import DateTime
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Ref
from ..wire.file_errors import FileErrors, row_error
from ..wire.files import UnreadableFile
from ..wire.zinc_writer import display_text
from .his_points import SampleColumn, SamplePoints
from .his_units import unit_of

__all__ = ["GridSample", "grid_samples"]


class GridSample(NamedTuple):
    row: int
    column: SampleColumn
    ts: DateTime
    value: Any


def grid_samples(
    path: Path, grid: Grid, points: SamplePoints, errors: FileErrors
) -> Iterator[list[GridSample]]:
    """The samples of each row. Invalid rows are added to ``errors``."""
    try:
        columns = _columns(grid, points)
    except ValueError as err:
        errors.add(UnreadableFile(path, "", str(err)))
        return
    for row, cells in enumerate(grid.rows, 1):
        try:
            yield list(_row(row, cells, columns))
        except ValueError as err:
            errors.add(row_error(path, row, str(err)))


def _row(
    row: int, cells: Mapping[str, Any], columns: Mapping[str, SampleColumn]
) -> Iterator[GridSample]:
    ts = cells.get("ts")
    if not isinstance(ts, DateTime):
        raise ValueError(f"ts must be a DateTime, not {display_text(ts)}")
    for name, column in columns.items():
        if (value := cells.get(name)) is not None:
            at = DateTime(ts.utc, column.point.tz)
            yield GridSample(row, column, at, column.value(value))


def _columns(grid: Grid, points: SamplePoints) -> Mapping[str, SampleColumn]:
    """The points by column names; equal columns of one point are read once."""
    names = grid.names
    if "ts" not in names:
        raise ValueError("a history grid must have a column ts")
    if isinstance(point := grid.meta.get("id"), Ref):
        if "val" not in names:
            raise ValueError(
                "a history grid with an id in its meta must have a column val"
            )
        col = grid.cols[names.index("val")]
        unit = _unit(Col("val", {**grid.meta, **col.meta}))
        return {"val": points.column(point.id, unit)}
    columns: dict[str, SampleColumn] = {}
    first: dict[str, str] = {}
    for col in grid.cols:
        if col.name == "ts":
            continue
        ref = col.meta.get("id")
        if not isinstance(ref, Ref):
            raise ValueError(
                f"missing point id: it must be in the meta of the grid or of column"
                f" {col.name}"
            )
        if ref.id not in first:
            columns[col.name] = points.column(ref.id, _unit(col))
        elif not _same(grid, first[ref.id], col.name):
            raise ValueError(f"duplicate column for @{ref.id}")
        first.setdefault(ref.id, col.name)
    return columns


def _same(grid: Grid, one: str, other: str) -> bool:
    """Whether two columns have the same values, as where a read names a point twice."""
    if not grid.rows:
        return False
    return all(row.get(one) == row.get(other) for row in grid.rows)


def _unit(col: Col) -> str | None:
    unit = col.meta.get("unit")
    if unit is None:
        return None
    if not isinstance(unit, str):
        shown = display_text(unit)
        raise ValueError(f"column {col.name}: unit must be a Str, not {shown}")
    return unit_of(unit)
