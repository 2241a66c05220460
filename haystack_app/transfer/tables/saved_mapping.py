"""What was understood of tables as a mapping file, which ``mapping`` reads back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from ...extras import imported_for
from ...kinds.display import quoted
from .mapping import COLUMNS, YAML_SUFFIXES
from .options import Mapped
from .reader import TableReader

__all__ = ["found_mapping", "mapping_text"]


def found_mapping(
    readers: Iterable[TableReader], given: Mapping[str, Mapped]
) -> dict[str, Mapped]:
    """The given mapping, and the points of all headers and names in rows.

    Raises ValueError if a header is another point in another file.
    """
    found = dict(given)
    for reader in readers:
        for header, mapped in _of_reader(reader):
            first = found.setdefault(header, mapped)
            if first.id != mapped.id:
                ids = [f"@{id}" if id else "left out" for id in (first.id, mapped.id)]
                reason = f"is {ids[0]} in one file and {ids[1]} in another"
                raise ValueError(f"{quoted(header)} {reason}")
    return found


def _of_reader(reader: TableReader) -> Iterable[tuple[str, Mapped]]:
    layout = reader.table.layout
    for column in layout.columns:
        if column.point is not None:
            point = column.point.column.point
            unit, factor = column.point.column.unit, column.point.factor
            yield column.header, Mapped(point.id, unit, factor, point.kind)
    for (name, _, _), cells in reader.readers.items():
        if cells is not None:
            point = cells.column.point
            yield name, Mapped(point.id, None, cells.factor, point.kind)
    if layout.name == "wide":
        headers = set(reader.table.shape.header)
        yield from ((name, Mapped("")) for name in layout.ignored if name in headers)


def mapping_text(mapping: Mapping[str, Mapped], suffix: str) -> str:
    """The file of a suffix: YAML, JSON, otherwise CSV, in the order of the files."""
    rows = [(header, *_cells(mapped)) for header, mapped in mapping.items()]
    if suffix in (*YAML_SUFFIXES, ".json"):
        found = {row[0]: _entry(row) for row in rows}
        return _yaml(found) if suffix in YAML_SUFFIXES else _json(found)
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return out.getvalue()


def _cells(mapped: Mapped) -> tuple[str, str, str, str]:
    factor = "" if mapped.factor == 1 else repr(mapped.factor)
    return mapped.id, mapped.unit or "", factor, mapped.kind or ""


def _entry(row: Sequence[str]) -> dict[str, str] | None:
    cells = {name: text for name, text in zip(COLUMNS, row, strict=True) if text}
    cells.pop("header", None)
    return cells or None


def _json(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _yaml(found: Mapping[str, Any]) -> str:
    with imported_for("A mapping in YAML", "files"):
        import yaml
    text: str = yaml.safe_dump(dict(found), allow_unicode=True, sort_keys=False)
    return text
