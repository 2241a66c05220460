"""The list of all invalid rows of a file, for a download, and the first of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..transfer.tables.bad_rows import safe_text
from ..wire.files import UnreadableFile
from .errors import bad_row

__all__ = ["BadRows", "listing"]

_SHOWN = 100
_LISTED = 1_000_000
"""Rows of the list; a file of which more are invalid is not the right one."""
_COLUMNS = ("sheet", "line", "column", "reason", "remedy")


class BadRows:
    """Writes each error to the list, and keeps the first ones."""

    def __init__(self, file: TextIO) -> None:
        self.writer = csv.writer(file)
        self.writer.writerow(_COLUMNS)
        self.count = 0
        self.shown: list[dict[str, Any]] = []

    def __call__(self, error: UnreadableFile) -> None:
        self.count += 1
        if self.count > _LISTED:
            return
        row = bad_row(error)
        if len(self.shown) < _SHOWN:
            self.shown.append(row)
        cells = ("" if row[name] is None else str(row[name]) for name in _COLUMNS)
        self.writer.writerow(map(safe_text, cells))


@contextmanager
def listing(path: Path) -> Iterator[BadRows]:
    """The list in a file, which is replaced."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield BadRows(file)
