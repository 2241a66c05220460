"""Reads grids of times and numbers straight into columns.

This is a short cut through the readers of Zinc and Hayson, at a tenth of their cost. It
takes only grids whose first column is ``ts``, in one zone, and whose other columns have
finite numbers in one unit each. Of every other grid, valid or not, it returns None;
then the general reader decides, and words the errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..kinds.columns import SampleColumn, SampleRows, times_of
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number
from ..kinds.timezones import zone_of
from . import hayson_reader, limits, zinc_reader

__all__ = ["hayson_samples", "zinc_samples"]

_Times = tuple[str, Sequence[str]]
"""A zone, and ISO texts."""
_Numbers = tuple[list[float | None], str | None]
"""Values and their unit."""
_UNUSUAL = (AttributeError, KeyError, TypeError, ValueError)
"""What the functions below raise for other grids; ParseError is a ValueError."""
_DECIMAL = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_NUMBER = re.compile(_DECIMAL, re.ASCII)
_NUMBERS = re.compile(rf"(?:{_DECIMAL},)*+", re.ASCII)
_NUMBER_TYPES = frozenset({int, float})
_INFINITE = (float("inf"), float("-inf"))
_EARLIEST = -62_104_060_800_000_000
"""0002-01-01. In the years 2 to 9998, local times have a text in every zone."""
_LATEST = 253_370_764_800_000_000
"""9999-01-01."""


def zinc_samples(text: str) -> Grid | None:
    """The grid that ``zinc_reader.read_grid`` returns, if it has only samples."""
    try:
        cols, meta, at = zinc_reader.read_head(text)
        _check_size(cols, text.count("\n", at) + 1)
        stamps, *columns = _zinc_columns(text[at:], len(cols))
        numbers = list(map(_zinc_numbers, columns))
        return _grid(cols, meta, _zinc_times(stamps), numbers)
    except _UNUSUAL:
        return None


def hayson_samples(value: Any) -> Grid | None:
    """The grid that ``hayson_reader.decode`` returns, if it has only samples."""
    try:
        if value["_kind"] != "grid":
            return None
        cols, meta = hayson_reader.grid_head(value)
        rows = value["rows"]
        _check_size(cols, len(rows))
        stamps = _hayson_times([row["ts"] for row in rows])
        columns = [[row.get(col.name) for row in rows] for col in cols[1:]]
        found = sum(len(cells) - cells.count(None) for cells in columns)
        if sum(map(len, rows)) != len(rows) + found:
            return None  # there are nulls, or other columns
        return _grid(cols, meta, stamps, list(map(_hayson_numbers, columns)))
    except _UNUSUAL:
        return None


def _check_size(cols: Sequence[Col], rows: int) -> None:
    if len(cols) < 2 or cols[0].name != "ts" or not rows:
        raise ValueError("not samples")
    if rows * (len(cols) + 1) > limits.MAX_CELLS:
        raise ValueError("too large")


def _grid(
    cols: Sequence[Col],
    meta: dict[str, Any],
    stamps: _Times,
    numbers: Sequence[_Numbers],
) -> Grid:
    tz, texts = stamps
    zone_of(tz)
    times = times_of(texts)
    if not _EARLIEST <= min(times) <= max(times) < _LATEST:
        raise ValueError("unusual year")
    columns = {
        col.name: SampleColumn(tz, times, vals, unit)
        for col, (vals, unit) in zip(cols[1:], numbers, strict=True)
    }
    return Grid(cols, SampleRows(columns), meta)


def _zinc_columns(text: str, width: int) -> list[tuple[str, ...]]:
    """The cells of rows; neither lines nor rows outlive this function."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    rows = [line.split(",") for line in lines]
    if set(map(len, rows)) != {width}:
        raise ValueError("not samples")
    return list(zip(*rows, strict=True))


def _zinc_times(cells: Sequence[str]) -> _Times:
    """Without a zone the offset must be Z."""
    _, gap, zone = cells[0].partition(" ")
    texts = _without(gap + zone, cells)[:-1].split(",")
    if not zone and not all(text.endswith("Z") for text in texts):
        raise ValueError("no zone")
    return zone or "UTC", texts


def _zinc_numbers(cells: Sequence[str]) -> _Numbers:
    given = list(filter(None, cells))
    if not given:
        return [None] * len(cells), None
    unit = _NUMBER.sub("", given[0], count=1)
    text = _without(unit, given)
    if not _NUMBERS.fullmatch(text):
        raise ValueError("not numbers")
    return _numbers(cells, map(float, text[:-1].split(",")), unit or None)


def _without(suffix: str, cells: Sequence[str]) -> str:
    """The cells, each with a comma, without a suffix that each of them must have."""
    text = ",".join(cells) + ","  # they contain no comma
    if text.count(f"{suffix},") != len(cells):
        raise ValueError("several zones or units")
    return text.replace(f"{suffix},", ",")


def _hayson_times(stamps: Sequence[Any]) -> _Times:
    if {stamp["_kind"] for stamp in stamps} != {"dateTime"}:
        raise ValueError("not times")
    [zone] = {stamp.get("tz") for stamp in stamps}
    return "GMT" if zone is None else zone, [stamp["val"] for stamp in stamps]


def _hayson_numbers(cells: Sequence[Any]) -> _Numbers:
    given = [cell for cell in cells if cell is not None]
    unit = None
    if given and type(given[0]) is dict:
        if {cell["_kind"] for cell in given} != {"number"}:
            raise ValueError("not numbers")
        [unit] = {cell.get("unit") for cell in given}
        given = [cell["val"] for cell in given]
    if not _NUMBER_TYPES.issuperset(map(type, given)):
        raise ValueError("not numbers")
    return _numbers([cell is not None for cell in cells], map(float, given), unit)


def _numbers(
    cells: Sequence[Any], given: Iterator[float], unit: str | None
) -> _Numbers:
    """The numbers in their cells; the others are missing."""
    vals = [next(given) if cell else None for cell in cells]
    if any(infinite in vals for infinite in _INFINITE):
        raise ValueError("number out of range")
    return vals, Number(0, unit).unit
