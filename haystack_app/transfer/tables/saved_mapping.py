"""What was understood of tables as a mapping file, which ``mapping`` reads back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import StringIO

from ...kinds.display import quoted
from .mapping import COLUMNS
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


def mapping_text(mapping: Mapping[str, Mapped]) -> str:
    """CSV with a line for each header, in the order of the files."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for header, mapped in mapping.items():
        factor = "" if mapped.factor == 1 else repr(mapped.factor)
        writer.writerow(
            (header, mapped.id, mapped.unit or "", factor, mapped.kind or "")
        )
    return out.getvalue()
