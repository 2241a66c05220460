"""An invalid cell or row of a table."""

from __future__ import annotations

from pathlib import Path

from ...wire.files import UnreadableFile

__all__ = ["BadCell"]


class BadCell(UnreadableFile):
    """``column`` is the header of the cell, empty for a whole row."""

    def __init__(self, path: Path, line: int, column: str, reason: str) -> None:
        where = f"line {line}, column {column}" if column else f"line {line}"
        super().__init__(path, where, reason)
        self.line, self.column = line, column
