"""Sheets of spreadsheets as rows of text, a JSON list a line."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Set
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...extras import imported_for
from ...wire.files import UnreadableFile
from .percentages import percent_cells

__all__ = ["SheetChoice", "sheet_names", "spool_sheet"]

_CELLS = 50_000_000
"""Cells between the first and the last one; the library keeps a place for each."""
_REFERENCE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
_BLOCK = 1024**2
_OVERLAP = 32
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(slots=True)
class SheetChoice:
    """Which of several sheets is read: ``name``, or the first one with content.

    Reading sets ``used``, and ``others``, the sheets with content that are not read,
    unless the sheet is read ``alone``.
    """

    name: str | None = None
    alone: bool = False
    used: str = ""
    others: list[str] = field(default_factory=list)


def spool_sheet(
    path: Path,
    file: IO[bytes],
    spooled: IO[bytes],
    limit: int,
    choice: SheetChoice | None = None,
) -> None:
    """Write the only sheet with content, or the chosen one.

    ``limit`` is in bytes of the XML of all sheets.

    Raises UnreadableFile, and ImproperlyConfigured without the extra.
    """
    with _book(path, file, limit) as book:
        filled = _filled(book, choice)
        name = _chosen(path, filled, choice)
        percents = _percents(path, file, name)
        chosen = book.get_sheet_by_name(name)
        for number, row in enumerate(chosen.to_python(skip_empty_area=False), 1):
            cells = [
                _percent(cell) if (number, at) in percents else _text(cell)
                for at, cell in enumerate(row)
            ]
            if any(cells):
                line = json.dumps([number, cells], ensure_ascii=False)
                spooled.write(line.encode() + b"\n")


def sheet_names(path: Path, file: IO[bytes], limit: int) -> list[str]:
    """The sheets with content. Raises as ``spool_sheet``."""
    with _book(path, file, limit) as book:
        return _filled(book, None)


@contextmanager
def _book(path: Path, file: IO[bytes], limit: int) -> Iterator[Any]:
    with imported_for("A spreadsheet", "files"):
        import python_calamine as calamine
    _check_size(path, file, limit)
    file.seek(0)
    try:
        yield calamine.CalamineWorkbook.from_filelike(file)
    except calamine.CalamineError as err:
        raise UnreadableFile(path, "", f"invalid spreadsheet: {err}") from None


def _filled(book: Any, choice: SheetChoice | None) -> list[str]:
    """One after another, for each of them is read into memory."""
    names = list(book.sheet_names)
    if choice is not None and choice.alone:
        names = [name for name in names if name == choice.name]
    return [name for name in names if book.get_sheet_by_name(name).total_height > 0]


def _chosen(path: Path, filled: list[str], choice: SheetChoice | None) -> str:
    """Raises UnreadableFile."""
    names = ", ".join(filled) or "none"
    if choice is None:
        if len(filled) != 1:
            reason = (
                f"expected one sheet with content, not {names}: name it with --sheet"
            )
            raise UnreadableFile(path, "", reason)
        return filled[0]
    if not filled or (choice.name is not None and choice.name not in filled):
        wanted = "a sheet" if choice.name is None else f"the sheet {choice.name}"
        reason = f"expected {wanted} with content; those with content: {names}"
        raise UnreadableFile(path, "", reason)
    choice.used = choice.name or filled[0]
    choice.others = [name for name in filled if name != choice.used]
    return choice.used


def _check_size(path: Path, file: IO[bytes], limit: int) -> None:
    """Before the library reads it all. Raises UnreadableFile."""
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
            if sum(info.file_size for info in infos) > limit:
                reason = f"unpacked it is larger than {limit:,} bytes"
                raise UnreadableFile(path, "", reason)
            for info in infos:
                with parts.open(_unbounded(info)) as part:
                    is_sheet = info.filename.startswith("xl/worksheets/")
                    size = _checked_size(path, part, is_sheet=is_sheet)
                if size != info.file_size:
                    raise zipfile.BadZipFile("a part is larger than it says")
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ):
        raise UnreadableFile(path, "", "invalid spreadsheet") from None


def _unbounded(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The part up to its end, for a forged size would hide what the library reads."""
    found = copy(info)
    found.file_size = info.file_size + 1
    found.CRC = None  # type: ignore[assignment]
    return found


def _checked_size(path: Path, part: IO[bytes], *, is_sheet: bool) -> int:
    """Unpacked. Raises UnreadableFile for a sheet with too many cells."""
    size = width = height = 0
    before = b""
    while block := part.read(_BLOCK):
        size += len(block)
        for match in _REFERENCE.finditer(before + block) if is_sheet else ():
            width = max(width, _column(match[1]))
            height = max(height, int(match[2]))
        before = block[-_OVERLAP:]
    if width * height > _CELLS:
        reason = f"a sheet has at most {_CELLS:,} cells, not {width * height:,}"
        raise UnreadableFile(path, "", reason)
    return size


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _percents(path: Path, file: IO[bytes], name: str) -> Set[tuple[int, int]]:
    """The cells that are shown as percentages. Raises UnreadableFile."""
    try:
        return percent_cells(file, name)
    except (zipfile.BadZipFile, ValueError) as err:
        raise UnreadableFile(path, "", f"invalid spreadsheet: {err}") from None


def _percent(cell: Any) -> str:
    """``45%`` for 0.45, up to the digits that floats of spreadsheets have."""
    is_number = isinstance(cell, float | int) and not isinstance(cell, bool)
    return f"{cell * 100:.12g}%" if is_number else _text(cell)


def _text(cell: Any) -> str:
    """As a CSV has it. Times of days are counted in floats: to the millisecond."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0")
    if isinstance(cell, dt.datetime):
        return _rounded(cell).isoformat(sep=" ")
    if isinstance(cell, dt.timedelta):
        seconds, micros = divmod(round(cell / _MILLISECOND), 1000)
        minutes, second = divmod(seconds, 60)
        text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
        return f"{text}.{micros:03d}" if micros else text
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def _rounded(time: dt.datetime) -> dt.datetime:
    floor = time.replace(microsecond=0)
    return floor + round((time - floor) / _MILLISECOND) * _MILLISECOND
