"""The rows of a table by its delimiter, and the delimiter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from ...kinds.display import quoted
from ...wire.csv_cells import csv_rows
from ...wire.errors import ParseError
from .options import TableOptions
from .plain_rows import has_no_year, plain_rows
from .shape import Row, Shape, shape_of
from .source import SHEET, lines_of

__all__ = [
    "DELIMITERS",
    "NAMES",
    "candidates",
    "found_shape",
    "rows_of",
    "sample_rows",
]

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
    yield from csv_rows(lines, refuse, delimiter, _COLUMNS)


def sample_rows(
    path: Path,
    raw: IO[bytes],
    encoding: str,
    delimiter: str,
    refuse: Callable[[ParseError], object],
    options: TableOptions,
) -> Iterator[Row]:
    """The rows of a plain table. Raises UnreadableFile and ParseError."""
    rows = rows_of(path, raw, encoding, delimiter, refuse)
    return plain_rows(rows, options)


def _without_sep(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, "")
    yield "\n" if _SEP.fullmatch(first) else first
    yield from lines


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
    dateless: str | None = None
    for delimiter in possible:
        rows = sample_rows(path, raw, encoding, delimiter, lambda _: None, options)
        try:
            sample = list(islice(rows, _SAMPLE))
            dateless = dateless or _yearless(sample)
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
    if dateless is not None:
        raise ValueError(
            f"the times have no year, such as {quoted(dateless)}: give it with --year"
        )
    raise ValueError(
        "no column of times was found: the table needs one beside the values; for a"
        " column of numbers, name it with --time"
    )


def _yearless(rows: Iterable[Row]) -> str | None:
    cells = (cell.strip() for _, row in rows for cell in row)
    return next((cell for cell in cells if has_no_year(cell)), None)


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
