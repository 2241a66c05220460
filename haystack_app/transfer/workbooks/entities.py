"""Entities as rows of a sheet: a column a tag, whose header says the kind.

Where the def of a tag says the kind, the header is the name alone. A column has values
of one kind in cells that read well; if they differ, or if a cell would lose something,
all are in Zinc, which the header says: ``name (Zinc)``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...defs.loader import shipped
from ...defs.values import KINDS, kind_of, kind_of_def
from ...kinds.grid import Grid
from ...kinds.scalars import Number
from ...wire import zinc_writer
from ...wire.csv_writer import MARKER_TEXT, value_text
from ..entity_tables.columns import ZINC
from ..tables.values import NO_VALUE
from .sheet import FIRST_DAY, Sheet

__all__ = ["entity_sheet"]

_NAMES = {kind: name for name, kind in KINDS.items()}
_UNIT = re.compile(r"[^()\[\],\s]+")
_LOST = re.compile(r"\A'[=+\-@\t\r]|[\x00-\x08\x0b-\x1f]|_x[0-9A-Fa-f]{4}_")
"""What readers of cells take away, or read as something else."""
_FIRST_READ = dt.date(1000, 1, 1)
"""Readers of tables take earlier years for short ones."""


class _Column(NamedTuple):
    title: str
    cell: Callable[[Any], Any]


class _Seen:
    """The kinds and units of a column's values."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.units: set[str | None] = set()
        self.is_exact = True

    def add(self, value: Any) -> None:
        kind = kind_of(value)
        self.kinds.add(kind)
        if isinstance(value, Number):
            self.units.add(value.unit)
            self.is_exact = self.is_exact and value.is_finite
        elif isinstance(value, dt.date):
            self.is_exact = self.is_exact and value >= _FIRST_READ
        elif kind not in ("bool", "marker"):
            self.is_exact = self.is_exact and _stays(value_text(value), kind)


def entity_sheet(grid: Grid) -> Sheet:
    """Raises EncodeError."""
    seen = {name: _Seen() for name in grid.names}
    for row in grid.rows:
        for name, value in row.items():
            if value is not None:
                seen[name].add(value)
    columns = {name: _column(name, one) for name, one in seen.items()}
    sheet = Sheet([column.title for column in columns.values()])
    try:
        for row in grid.rows:
            sheet.add(list(_cells(row, columns)))
    except BaseException:
        sheet.close()
        raise
    return sheet


def _cells(row: Mapping[str, Any], columns: Mapping[str, _Column]) -> Iterator[Any]:
    tags = dict(row.items())
    for name, column in columns.items():
        value = tags.get(name)
        yield None if value is None else column.cell(value)


def _column(name: str, seen: _Seen) -> _Column:
    if not seen.kinds:
        return _Column(name, value_text)
    kind, *others = seen.kinds
    unit, *units = seen.units or {None}
    is_plain = not unit or _UNIT.fullmatch(unit) is not None
    if others or units or not seen.is_exact or not is_plain:
        return _Column(f"{name} ({ZINC})", _zinc)
    if unit:
        return _Column(f"{name} ({unit})", _number)
    if kind == "marker":
        return _Column(name, lambda _: MARKER_TEXT)
    title = name if _by_def(name) == kind else f"{name} ({_NAMES[kind]})"
    return _Column(title, _CELLS.get(kind, value_text))


def _by_def(name: str) -> str | None:
    return kind_of_def(name, shipped()) if name in shipped() else None


def _stays(text: str, kind: str) -> bool:
    """Whether a text is read as it is written."""
    if not text or text != text.strip() or _LOST.search(text):
        return False
    return kind in ("str", "ref", "na") or text.lower() not in NO_VALUE


def _number(value: Number) -> float:
    return value.val


def _date(value: dt.date) -> Any:
    return value if value >= FIRST_DAY else value.isoformat()


def _zinc(value: Any) -> Any:
    if isinstance(value, Number) and value.unit is None and value.is_finite:
        return value.val
    return zinc_writer.value_text(value)


_CELLS: dict[str, Callable[[Any], Any]] = {
    "bool": lambda value: value,
    "date": _date,
    "number": _number,
}
