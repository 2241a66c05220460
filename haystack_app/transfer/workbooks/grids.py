"""Grids of ops as workbooks."""

from __future__ import annotations

from collections.abc import Iterator

from ...kinds.grid import Grid
from .entities import entity_sheet
from .histories import history_sheet, is_history

__all__ = ["workbook_chunks"]


def workbook_chunks(grid: Grid) -> Iterator[bytes]:
    """The bytes of a workbook; the meta of the grid is lost.

    Raises EncodeError, and ImproperlyConfigured without the extra.
    """
    sheet = history_sheet(grid) if is_history(grid) else entity_sheet(grid)
    try:
        yield from sheet.chunks()
    finally:
        sheet.close()
