"""The columns of a table, and what each is, also where the table is not understood.

``understood`` refuses a table with a column that it does not know. A person who is to
say what that column is needs to see all of them, with some of their cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ..transfer.his_units import unit_of
from ..transfer.tables.names import NamedPoint, PointNames, UnknownName, split_header
from ..transfer.tables.options import TableOptions
from ..transfer.tables.roles import role_of
from ..transfer.tables.rows import NAMES, candidates, found_shape, rows_of, sample_rows
from ..transfer.tables.shape import Shape
from ..transfer.tables.source import SHEET, encoding_of, unpacked
from ..transfer.tables.wide_layout import title_of
from ..wire.errors import ParseError
from ..wire.files import UnreadableFile
from .errors import words

__all__ = ["inspected", "point_json"]

_SHOWN = 8
"""Rows that are shown."""
_NAMES_IN = 20_000
"""Rows in which names of points are looked for."""
_NAMES = 500
_COLUMNS = 500
_CELL = 200
"""Characters of a cell that are shown."""

Rows = Sequence[Sequence[str]]


def inspected(path: Path, names: PointNames, options: TableOptions) -> dict[str, Any]:
    """The beginning of a table, its ``columns``, and its ``names`` of points.

    Each has ``use``: time, point, ignored, unknown, or that of its header (value, name,
    unit, status). Raises UnreadableFile.
    """
    with unpacked(path) as raw:
        encoding = encoding_of(path, raw)
        try:
            delimiter, shape = found_shape(path, raw, encoding, options)
            read = sample_rows(path, raw, encoding, delimiter, _ignore, options)
            part = islice(read, shape.first, shape.first + _NAMES_IN)
            rows = [row for _, row in part]
        except (ValueError, ParseError):
            return _unshaped(path, raw, encoding, options)
    found = {
        "encoding": None if encoding == SHEET else encoding,
        "delimiter": None if encoding == SHEET else _name_of(delimiter),
        "header": [_shown(cell) for cell in shape.header[:_COLUMNS]],
        "rows": _first(rows),
        "columns": list(_columns(shape, rows, names, options)),
        "names": [],
    }
    if (at := _names_at(shape, options)) is not None:
        found["names"] = list(_names(at, rows, names))
    return found


def _unshaped(
    path: Path, raw: Any, encoding: str, options: TableOptions
) -> dict[str, Any]:
    """The rows by the delimiter that makes the most cells."""
    best: list[list[str]] = []
    for sign in candidates(path, raw, encoding, options):
        try:
            rows = [
                row
                for _, row in islice(
                    rows_of(path, raw, encoding, sign, _ignore), _SHOWN + 1
                )
            ]
        except (ParseError, UnreadableFile):
            continue
        best = max(best, rows, key=lambda one: sum(map(len, one)))
    return {
        "encoding": None if encoding == SHEET else encoding,
        "delimiter": None,
        "header": [_shown(cell) for cell in best[0][:_COLUMNS]] if best else [],
        "rows": _first(best[1:]),
        "columns": [],
        "names": [],
    }


def _columns(
    shape: Shape, rows: Rows, names: PointNames, options: TableOptions
) -> Iterator[dict[str, Any]]:
    is_long = _names_at(shape, options) is not None
    for at in range(min(len(shape.header), _COLUMNS)):
        header = shape.header[at]
        title = title_of(shape, at, names)
        column: dict[str, Any] = {"header": title, "cells": _cells(at, rows)}
        if at in shape.time:
            column["use"] = "time"
        elif header in options.ignore or title in options.ignore:
            column["use"] = "ignored"
        elif is_long or options.point is not None:
            column["use"] = role_of(header) or "unknown"
        elif not header and not any(column["cells"]):
            continue
        else:
            column |= _found(title, names)
        yield column


def _found(header: str, names: PointNames) -> dict[str, Any]:
    """The point of a header, or why it has none."""
    try:
        point = names.find(header)
    except UnknownName as err:
        found = {"use": role_of(header) or "unknown", "problem": words(str(err))}
        return {**found, "unit": _unit_in(header)}
    except ValueError as err:
        found = {"use": "unknown", "problem": words(str(err))}
        return {**found, "unit": _unit_in(header)}
    return (
        {"use": "ignored"} if point is None else {"use": "point", **point_json(point)}
    )


def _unit_in(header: str) -> str | None:
    """The unit that a header names, for the point that a person chooses for it."""
    for _, text in split_header(header):
        with suppress(ValueError):
            return unit_of(text or "")
    return None


def point_json(point: NamedPoint) -> dict[str, Any]:
    """A point, the unit of its values in the file, and their factor."""
    held = point.column.point
    return {
        "id": held.id,
        "unit": point.column.unit,
        "pointUnit": held.unit,
        "kind": held.kind,
        "factor": point.factor,
    }


def _names_at(shape: Shape, options: TableOptions) -> int | None:
    """The column of names of points, of a table that has one."""
    if options.point is not None or not shape.header:
        return None
    left = [
        at
        for at in range(len(shape.header))
        if at not in shape.time and shape.header[at] not in options.ignore
    ]
    named = [at for at in left if role_of(shape.header[at]) == "name"]
    values = [at for at in left if role_of(shape.header[at]) == "value"]
    return named[0] if named and len(values) == 1 else None


def _names(at: int, rows: Rows, names: PointNames) -> Iterator[dict[str, Any]]:
    cells = (row[at].strip() for row in rows if len(row) > at)
    distinct = (name for name in dict.fromkeys(cells) if name)
    for name in islice(distinct, _NAMES):
        yield {"header": name, "cells": [], **_found(name, names)}


def _first(rows: Rows) -> list[list[str]]:
    return [[_shown(cell) for cell in row[:_COLUMNS]] for row in rows[:_SHOWN]]


def _cells(at: int, rows: Rows) -> list[str]:
    """The first cells of a column that are not empty."""
    filled = (row[at].strip() for row in rows if len(row) > at)
    return [_shown(cell) for cell in islice(filter(None, filled), 3)]


def _shown(cell: str) -> str:
    text = cell.strip()
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


def _name_of(delimiter: str) -> str:
    return next(name for name, sign in NAMES.items() if sign == delimiter)


def _ignore(_: ParseError) -> None:
    """The reader that is chosen lists invalid rows."""
