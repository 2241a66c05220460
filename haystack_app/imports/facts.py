"""What a reader found of a table, as JSON."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from ..transfer.tables.reader import TableReader
from ..transfer.tables.rows import NAMES
from ..transfer.tables.source import SHEET
from ..transfer.tables.understanding import Table
from .inspection import point_json

__all__ = ["columns_found", "table_facts"]

_IN_UTC = ("s", "ms", "us", "ns")


def table_facts(reader: TableReader, tz: str | None) -> dict[str, Any]:
    """``tz`` is the zone that the user gives."""
    table = reader.table
    shape = table.shape
    is_sheet = table.encoding == SHEET
    places = [shape.header[at] for at in shape.time] if shape.header else []
    return {
        "layout": table.layout.name,
        "encoding": None if is_sheet else table.encoding,
        "delimiter": None if is_sheet else _delimiter(table),
        "times": {"columns": places, "form": shape.form, "order": table.order},
        "zone": _zone(table, tz),
        "shift": table.shift.total_seconds(),
        "ignored": table.layout.ignored,
        "rowsBefore": len(shape.preamble),
        "rowsAfter": reader.footers,
        "empty": reader.empty,
    }


def columns_found(
    reader: TableReader, planned: Container[str]
) -> dict[str, dict[str, Any]]:
    """The points of headers, or of names in rows, also of those that are made."""
    table = reader.table
    found: dict[str, dict[str, Any]] = {}
    for column in table.layout.columns:
        sign = {"decimal": table.decimals.get(column.place)}
        if column.point is None:
            found[column.header] = sign
        else:
            found[column.header] = {"use": "point", **point_json(column.point), **sign}
    for (name, _, _), cells in reader.readers.items():
        if name and cells is not None:
            point = {
                "id": cells.column.point.id,
                "unit": cells.column.unit,
                "pointUnit": cells.column.point.unit,
                "kind": cells.column.point.kind,
                "factor": cells.factor,
            }
            found[name] = {"use": "point", **point}
    for one in found.values():
        if one.get("id") in planned:
            one["isNew"] = True
        if one.get("use") == "point":
            one["problem"] = ""
    return found


def _delimiter(table: Table) -> str:
    return next(name for name, sign in NAMES.items() if sign == table.delimiter)


def _zone(table: Table, tz: str | None) -> str | None:
    """UTC, the zone of local times, or None for that of each point."""
    if table.shape.form in _IN_UTC:
        return "UTC"
    return tz or table.shape.zone or table.shape.suffix.strip() or None
