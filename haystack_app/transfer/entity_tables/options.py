"""What decides how a table of entities is read."""

from __future__ import annotations

from typing import NamedTuple

from ..tables.options import TableOptions

__all__ = ["EntityTableOptions"]


class EntityTableOptions(NamedTuple):
    """``sheet`` is the name of a sheet, None for the first one with content."""

    sheet: str | None = None
    table: TableOptions = TableOptions()

    @property
    def decides(self) -> bool:
        """Whether anything is given, so that no file is taken as one of our own."""
        return self != EntityTableOptions()
