"""Rows of CSV text, with cells of any length that a body may have."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any

__all__ = ["csv_rows"]

_LONGEST_CELL = 64 * 1024 * 1024
"""Characters; a quote that is never closed must not read a whole file into memory."""


def csv_rows(lines: Iterable[str]) -> Any:
    """A strict reader of the ``csv`` module: rows, and ``line_num``.

    The module refuses cells over 131,072 characters, and its limit is that of the
    process. It is only ever raised here.
    """
    if csv.field_size_limit() < _LONGEST_CELL:
        csv.field_size_limit(_LONGEST_CELL)
    return csv.reader(lines, strict=True)
