"""Sheets of spreadsheets as rows of text, a JSON list a line."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...extras import imported_for
from ...wire.files import UnreadableFile

__all__ = ["SheetChoice", "spool_sheet"]

_CELLS = 50_000_000
"""Cells between the first and the last one; the library keeps a place for each."""
_REFERENCE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
_BLOCK = 1024**2
_OVERLAP = 32
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(slots=True)
class SheetChoice:
    """Which of several sheets is read: ``name``, or the first one with content.

    Reading sets ``used``, and ``others``, the sheets with content that are not read.
    """

    name: str | None = None
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
    with imported_for("A spreadsheet", "files"):
        import python_calamine as calamine
    _check_size(path, file, limit)
    file.seek(0)
    try:
        book = calamine.CalamineWorkbook.from_filelike(file)
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    except calamine.CalamineError as err:
        raise UnreadableFile(path, "", f"invalid spreadsheet: {err}") from None
    filled = {sheet.name: sheet for sheet in sheets if sheet.total_height > 0}
    chosen = filled[_chosen(path, list(filled), choice)]
    for number, row in enumerate(chosen.to_python(skip_empty_area=False), 1):
        cells = [_text(cell) for cell in row]
        if any(cells):
            line = json.dumps([number, cells], ensure_ascii=False)
            spooled.write(line.encode() + b"\n")


def _chosen(path: Path, filled: list[str], choice: SheetChoice | None) -> str:
    """Raises UnreadableFile."""
    names = ", ".join(filled) or "none"
    if choice is None:
        if len(filled) != 1:
            reason = f"expected one sheet with content, not {names}: save it as a file"
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
                if info.filename.startswith("xl/worksheets/"):
                    with parts.open(info) as sheet:
                        _check_cells(path, sheet)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise UnreadableFile(path, "", "invalid spreadsheet") from None


def _check_cells(path: Path, sheet: IO[bytes]) -> None:
    width = height = 0
    before = b""
    while block := sheet.read(_BLOCK):
        for match in _REFERENCE.finditer(before + block):
            width = max(width, _column(match[1]))
            height = max(height, int(match[2]))
        before = block[-_OVERLAP:]
    if width * height > _CELLS:
        reason = f"a sheet has at most {_CELLS:,} cells, not {width * height:,}"
        raise UnreadableFile(path, "", reason)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


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
