"""The rows of a table by its delimiter, and the delimiter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from ...wire.csv_cells import csv_rows
from ...wire.errors import ParseError
from .options import TableOptions
from .shape import Row, Shape, shape_of
from .source import SHEET, lines_of

__all__ = ["DELIMITERS", "NAMES", "candidates", "found_shape", "rows_of"]

NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DELIMITERS = tuple(NAMES.values())
_SAMPLE = 400
"""Rows that the form of a file is found from."""
_COLUMNS = 16_384
_SEP = re.compile(r"\ufeff?\"?sep=([,;|\t])\"?\s*", re.IGNORECASE)


def rows_of(
    path: Path,
    raw: IO[bytes],
    encoding: str,
    delimiter: str,
    refuse: Callable[[ParseError], object],
) -> Iterator[Row]:
    """Rows without a line ``sep=``. Raises UnreadableFile and ParseError."""
    if encoding == SHEET:
        raw.seek(0)
        yield from (tuple(json.loads(line)) for line in raw)
        return
    lines = _without_sep(lines_of(path, raw, encoding))
    for line, cells in csv_rows(lines, refuse, delimiter):
        if len(cells) > _COLUMNS:
            reason = f"a row has at most {_COLUMNS:,} cells, not {len(cells):,}"
            raise ParseError(reason, f"line {line}")
        yield line, cells


def _without_sep(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield "\n" if number == 0 and _SEP.fullmatch(line) else line


def found_shape(
    path: Path, raw: IO[bytes], encoding: str, options: TableOptions
) -> tuple[str, Shape]:
    """The delimiter, and the parts of the table.

    A delimiter is possible if the table has a column of times by it. Raises ValueError,
    also if several are.
    """
    possible = candidates(path, raw, encoding, options)
    found: dict[str, Shape] = {}
    refused: list[ValueError] = []
    for delimiter in possible:
        rows = rows_of(path, raw, encoding, delimiter, lambda _: None)
        try:
            sample = list(islice(rows, _SAMPLE))
            shape = shape_of(sample, options)
        except ParseError:
            continue
        except ValueError as err:
            refused.append(err)
            continue
        if shape is not None and any(len(row) > 1 for _, row in sample[shape.first :]):
            found[delimiter] = shape
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        names = [name for name, sign in NAMES.items() if sign in found]
        raise ValueError(f"the delimiter may be {' or '.join(names)}: give --delimiter")
    if refused:
        raise refused[0]
    raise ValueError(
        "no column of times was found: the table needs one beside the values; for a"
        " column of numbers, name it with --time"
    )


def candidates(
    path: Path, raw: IO[bytes], encoding: str, options: TableOptions
) -> tuple[str, ...]:
    """The delimiters that a file may have; the only one if it or the option says so."""
    if options.delimiter is not None:
        return (NAMES[options.delimiter],)
    if encoding == SHEET:
        return (",",)
    first = next(lines_of(path, raw, encoding), "")
    match = _SEP.fullmatch(first)
    return (match[1],) if match else DELIMITERS
