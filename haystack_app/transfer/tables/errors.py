"""An invalid cell or row of a table."""

from __future__ import annotations

from pathlib import Path

from ...wire.files import UnreadableFile

__all__ = ["BadCell"]


class BadCell(UnreadableFile):
    """``column`` is the header of the cell, empty for a whole row.

    ``remedy`` is what the user may do; the message ends with it.
    """

    def __init__(
        self, path: Path, line: int, column: str, reason: str, remedy: str
    ) -> None:
        where = f"line {line}, column {column}" if column else f"line {line}"
        super().__init__(path, where, f"{reason} ({remedy})" if remedy else reason)
        self.line, self.column = line, column
        self.cause, self.remedy = reason, remedy
