"""Where in which file a fault is."""

from __future__ import annotations

import re
from pathlib import Path

from ..wire.errors import ParseError
from ..wire.files import UnreadableFile

__all__ = ["at_row", "grid_fault"]

_JSON_ROW = re.compile(r"(?:rows)?\[(\d+)\]\.?(.*)", re.DOTALL)
_LINE = re.compile(r"line (\d+), ")
_HEAD_LINES = 2


def at_row(path: Path, row: int, reason: str) -> UnreadableFile:
    """A fault of the row, counted from 1."""
    return UnreadableFile(path, f"row {row}", reason)


def grid_fault(path: Path, text: str, err: ParseError) -> UnreadableFile:
    """The row of a fault in a grid's text, where it is known.

    Zinc says the line and the column. They tell the row unless a grid nested
    in a cell takes lines of its own.
    """
    json_row = _JSON_ROW.fullmatch(err.position)
    if json_row is not None:
        tag = json_row[2]
        reason = f"{tag}: {err.message}" if tag else err.message
        return at_row(path, int(json_row[1]) + 1, reason)
    line = _LINE.match(err.position)
    if line is not None and int(line[1]) > _HEAD_LINES and "<<" not in text:
        row = int(line[1]) - _HEAD_LINES
        return UnreadableFile(path, f"row {row} ({err.position})", err.message)
    return UnreadableFile(path, err.position, err.message)
