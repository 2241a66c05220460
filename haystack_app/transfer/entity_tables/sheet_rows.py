"""The rows of a file or of a sheet, with the delimiter and the header that fit it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...defs.namespace import Namespace
from ...wire.csv_writer import original_text
from ...wire.errors import ParseError
from ...wire.file_errors import FileErrors
from ...wire.files import UnreadableFile
from ..tables.rows import NAMES, candidates, rows_of
from ..tables.shape import Row
from ..tables.sheets import SheetChoice
from ..tables.source import SHEET, encoding_of, suffix_of, unpacked
from .columns import TAG_COLUMNS, TagColumn, tag_column
from .options import EntityTableOptions

__all__ = ["SheetRows", "header_of", "sheet_rows"]

_HEADS = 20
"""Rows among which the header is."""
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00")


@dataclass(slots=True)
class SheetRows:
    """Stripped cells; ``header`` is one of the rows, ``choice`` that of a workbook."""

    path: Path
    encoding: str
    delimiter: str
    rows: Sequence[Row]
    header: Row
    choice: SheetChoice

    @property
    def preamble(self) -> int:
        """The number of rows before the header."""
        return sum(line < self.header[0] for line, _ in self.rows)


def header_of(at: int, header: str, namespace: Namespace) -> TagColumn:
    """Raises ValueError."""
    column = tag_column(at, header, namespace)
    is_tag = column.has_words and column.name in namespace
    return column._replace(kind="str") if is_tag else column


def sheet_rows(
    path: Path, options: EntityTableOptions, namespace: Namespace, errors: FileErrors
) -> SheetRows:
    """Rows that cannot be read are added to ``errors``.

    Raises UnreadableFile and ParseError, and ValueError for several delimiters.
    """

    def refuse(err: ParseError) -> None:
        errors.add(UnreadableFile(path, err.position, err.message))

    choice = SheetChoice(options.sheet)
    if options.sheet is not None and suffix_of(path) != ".xlsx":
        raise UnreadableFile(path, "", "--sheet is for .xlsx files")
    with unpacked(path, choice) as raw:
        encoding = encoding_of(path, raw)
        delimiter = _delimiter(path, raw, encoding, options, namespace)
        rows = [
            (line, [_cell(cell, is_sheet=encoding == SHEET) for cell in cells])
            for line, cells in rows_of(path, raw, encoding, delimiter, refuse)
        ]
    header = _header(rows)
    if header is None:
        raise UnreadableFile(path, "", "the table is empty")
    return SheetRows(path, encoding, delimiter, rows, header, choice)


def _cell(text: str, *, is_sheet: bool) -> str:
    """Without what a download puts before the formulas, and the time of a date."""
    text = text.strip().removeprefix("\ufeff")
    if is_sheet and (match := _MIDNIGHT.fullmatch(text)):
        return match[1]
    return original_text(text)


def _header(rows: Sequence[Row]) -> Row | None:
    """The first row that has as many cells with text as half of the fullest one."""
    counts = [sum(map(bool, cells)) for _, cells in rows[:_HEADS]]
    most = max(counts, default=0)
    return next(
        (row for row, count in zip(rows, counts, strict=False) if count * 2 > most),
        None,
    )


def _delimiter(
    path: Path,
    raw: IO[bytes],
    encoding: str,
    options: EntityTableOptions,
    namespace: Namespace,
) -> str:
    """The one by which most headers are names of tags. Raises ValueError."""
    possible = candidates(path, raw, encoding, options.table)
    if len(possible) == 1:
        return possible[0]
    found = {sign: _tags(path, raw, encoding, sign, namespace) for sign in possible}
    best = max(found.values())
    if best[1] < 2:
        return ","
    signs = [sign for sign, count in found.items() if count == best]
    if len(signs) > 1:
        names = " or ".join(name for name, sign in NAMES.items() if sign in signs)
        raise ValueError(f"the delimiter may be {names}: give --delimiter")
    return signs[0]


def _tags(
    path: Path, raw: IO[bytes], encoding: str, sign: str, namespace: Namespace
) -> tuple[int, int]:
    """How many cells of the header are tags, and how many it has."""
    rows: list[Row] = []
    with suppress(ParseError):  # the rows before it have the header
        for line, cells in rows_of(path, raw, encoding, sign, lambda _: None):
            rows.append((line, [_cell(cell, is_sheet=False) for cell in cells]))
            if len(rows) == _HEADS:
                break
    header = _header(rows)
    names = header[1] if header else []
    return sum(_is_tag(name, namespace) for name in names), sum(map(bool, names))


def _is_tag(header: str, namespace: Namespace) -> bool:
    try:
        name = tag_column(0, header, namespace).name
    except ValueError:
        return False
    return name in namespace or name in TAG_COLUMNS
