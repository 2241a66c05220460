"""The mapping file: a CSV of headers and the points that they mean.

The columns are ``header`` and ``id``, and optionally ``factor``, which the values are
multiplied by, ``unit``, that of the products, and ``kind``, that of points that are
made. A header with an empty id is left out.
"""

from __future__ import annotations

import math
from pathlib import Path

from ...kinds.scalars import Ref
from ...wire.csv_cells import csv_rows
from ...wire.errors import ParseError
from ...wire.files import UnreadableFile, text_of
from .options import Mapped

__all__ = ["COLUMNS", "read_mapping"]

COLUMNS = ("header", "id", "unit", "factor", "kind")
_KINDS = {kind.lower(): kind for kind in ("Number", "Bool", "Str", "Coord")}


def read_mapping(path: Path) -> dict[str, Mapped]:
    """Raises UnreadableFile."""
    text = text_of(path)
    start = text.partition("\n")[0]
    delimiter = ";" if ";" in start and "," not in start else ","
    try:
        rows = list(csv_rows(text.splitlines(keepends=True), delimiter=delimiter))
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None
    line, names = rows[0] if rows else (1, [])
    names = [name.strip() for name in names]
    if names[:2] != ["header", "id"] or not set(names) <= set(COLUMNS):
        reason = f"a mapping has the columns {', '.join(COLUMNS)}"
        raise UnreadableFile(path, f"line {line}", reason)
    found: dict[str, Mapped] = {}
    for line, cells in rows[1:]:
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        try:
            if row["header"] in found:
                raise ValueError(f"header {row['header']} is mapped twice")
            found[row["header"]] = _mapped(row)
        except ValueError as err:
            raise UnreadableFile(path, f"line {line}", str(err)) from None
    return found


def _mapped(row: dict[str, str]) -> Mapped:
    id = row.get("id", "").removeprefix("@")
    try:
        factor = float(row.get("factor") or 1)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise ValueError(f"factor must be a number, not {row['factor']}")
    kind = row.get("kind") or None
    if kind is not None and kind.lower() not in _KINDS:
        raise ValueError(f"kind must be {', '.join(_KINDS.values())}, not {kind}")
    return Mapped(
        Ref(id).id if id else "",
        row.get("unit") or None,
        factor,
        _KINDS[kind.lower()] if kind else None,
    )
