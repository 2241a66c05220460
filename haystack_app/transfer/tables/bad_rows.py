"""Invalid rows: as a CSV file, and how many may be left out."""

from __future__ import annotations

import csv
import re
from typing import TextIO

from ...wire.files import UnreadableFile
from .errors import BadCell

__all__ = ["BadRowReport", "allowed_rows", "safe_text"]

_LINE = re.compile(r"(?:line|row) (\d+)\b")


class BadRowReport:
    """Writes each error as a row: file, line, column, reason, remedy."""

    def __init__(self, file: TextIO) -> None:
        self.writer = csv.writer(file)
        self.writer.writerow(("file", "line", "column", "reason", "remedy"))

    def __call__(self, error: UnreadableFile) -> None:
        line = _LINE.match(error.where)
        column, reason, remedy = "", error.reason, ""
        if isinstance(error, BadCell):
            column, reason, remedy = error.column, error.cause, error.remedy
        place = error.path, line[1] if line else ""
        self.writer.writerow((*place, *map(safe_text, (column, reason, remedy))))


def safe_text(text: str) -> str:
    """Text that a spreadsheet does not run as a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def allowed_rows(text: str, rows: int) -> int:
    """The number of rows that ``20`` or ``1.5%`` of them are. Raises ValueError."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", text.strip(), re.ASCII)
    if match is None or float(match[2] or 0) > 100:
        raise ValueError(f"expected a number of rows or a percentage, not {text}")
    return int(match[1]) if match[1] else int(rows * float(match[2]) / 100)
