"""Grid: a table with metadata, the body of every request and response.

Rows are mappings from column name to value; a null cell is a missing key.
Source: docHaystack Grids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .columns import SampleRows
from .scalars import MARKER
from .series import JoinedRows, JoinedSeries, Series

__all__ = ["EMPTY_COL", "Col", "Grid", "column_order"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Col:
    """A column: its name and meta tags."""

    name: str
    meta: Mapping[str, Any] = field(default_factory=dict)


EMPTY_COL = Col("empty")
_FIRST = {"id": 0, "def": 1, "name": 2, "mod": 4}


def column_order(names: Iterable[str]) -> list[str]:
    """``id``, ``def``, ``name``, then alphabetical, ``mod`` last."""
    return sorted(names, key=lambda name: (_FIRST.get(name, 3), name))


@dataclass(frozen=True, slots=True)
class Grid:
    """Meta tags, columns in order, and rows.

    Rows that are a series are read on iteration, not held in memory; ``SampleRows``
    hold columns, and make the rows on iteration.
    """

    cols: Sequence[Col] = (EMPTY_COL,)
    rows: Sequence[Row] | Series | JoinedSeries | JoinedRows | SampleRows = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Iterable[Row],
        names: Iterable[str] | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Grid:
        """A grid of records.

        Without ``names`` the column names are collected from all rows.
        """
        records = rows if isinstance(rows, Sequence) else list(rows)
        if names is None:
            names = {name for row in records for name in row}
        cols = [Col(name) for name in column_order(names)] or [EMPTY_COL]
        return cls(cols, records, meta or {})

    @classmethod
    def error(cls, dis: str, **tags: Any) -> Grid:
        """An error grid: ``err`` and ``dis`` in its meta, no rows."""
        return cls(meta={"err": MARKER, "dis": dis, **tags})

    @property
    def names(self) -> list[str]:
        return [col.name for col in self.cols]

    @property
    def is_error(self) -> bool:
        return "err" in self.meta

    @property
    def first(self) -> Row:
        """The first row, or an empty one."""
        return next(iter(self.rows), {})

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)
