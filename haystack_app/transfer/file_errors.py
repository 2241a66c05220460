"""Errors in files, with their row."""

from __future__ import annotations

import re
from pathlib import Path

from ..wire.errors import ParseError
from ..wire.files import UnreadableFile

__all__ = ["grid_error", "row_error"]

_JSON_ROW = re.compile(r"(?:rows)?\[(\d+)\]\.?(.*)", re.DOTALL)
_LINE = re.compile(r"line (\d+), ")
_HEAD_LINES = 2


def row_error(path: Path, row: int, reason: str) -> UnreadableFile:
    """An error in a row, counted from 1."""
    return UnreadableFile(path, f"row {row}", reason)


def grid_error(path: Path, text: str, err: ParseError) -> UnreadableFile:
    """An error in a grid's text, with the row if it is known.

    Zinc errors have a line and a column. The line determines the row unless a cell
    contains a nested grid, which has lines of its own.
    """
    json_row = _JSON_ROW.fullmatch(err.position)
    if json_row is not None:
        tag = json_row[2]
        reason = f"{tag}: {err.message}" if tag else err.message
        return row_error(path, int(json_row[1]) + 1, reason)
    line = _LINE.match(err.position)
    if line is not None and int(line[1]) > _HEAD_LINES and "<<" not in text:
        row = int(line[1]) - _HEAD_LINES
        return UnreadableFile(path, f"row {row} ({err.position})", err.message)
    return UnreadableFile(path, err.position, err.message)
