"""A workbook with one sheet, written row by row to a temporary file.

Texts are never formulas or links. Numbers have all of their digits: the library would
write 16, and two different floats may be equal then.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from ...extras import imported_for
from ...wire.errors import EncodeError

__all__ = ["FIRST_DAY", "Sheet", "is_installed"]

FIRST_DAY = dt.date(1900, 3, 1)
"""Spreadsheets have a 29 February 1900, so that earlier dates are unreliable."""
_ROWS, _COLUMNS, _CHARACTERS = 1_048_576, 16_384, 32_767
_CELLS = 5_000_000
"""About half a minute of work, and 250 MB in the temporary folder."""
_INVALID = re.compile("[\ud800-\udfff\ufffe\uffff]")
_BLOCK = 256 * 1024
_WIDTH = 16
_INSTEAD = "ask for fewer rows, or for another format, such as csv"


def is_installed() -> bool:
    return find_spec("xlsxwriter") is not None


@cache
def _library() -> Any:
    """The package. Raises ImproperlyConfigured without the extra."""
    with imported_for("A spreadsheet", "files"):
        import xlsxwriter
    return xlsxwriter


@cache
def _worksheet() -> Any:
    base = _library().worksheet.Worksheet

    class Worksheet(base):  # type: ignore[misc, valid-type]
        def _xml_number_element(self, number: float, attributes: Any = ()) -> None:
            text = "".join(f' {name}="{value}"' for name, value in attributes)
            self.fh.write(f"<c{text}><v>{float(number)!r}</v></c>")

    return Worksheet


class Sheet:
    """Cells are None, bools, finite floats, dates, naive datetimes or texts.

    Raises EncodeError for what a spreadsheet cannot hold.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        if len(titles) > _COLUMNS:
            reason = f"xlsx: {len(titles):,} columns, at most {_COLUMNS:,} are allowed"
            raise EncodeError(reason)
        self.folder = tempfile.TemporaryDirectory(prefix="xlsx-")
        self.file: IO[bytes] = (Path(self.folder.name) / "book.xlsx").open("w+b")
        options = {
            "constant_memory": True,
            "tmpdir": self.folder.name,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book = _library().Workbook(self.file, options)
        self.sheet = self.book.add_worksheet("data", worksheet_class=_worksheet())
        self.date = self.book.add_format({"num_format": "yyyy-mm-dd"})
        self.time = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.width, self.count = len(titles), 0
        self.sheet.set_column(0, len(titles) - 1, _WIDTH)
        self.sheet.freeze_panes(1, 1)
        bold = self.book.add_format({"bold": True})
        for column, title in enumerate(titles):
            self.sheet.write_string(0, column, _text(title), bold)

    def add(self, cells: Sequence[Any]) -> None:
        self.count += 1
        if self.count >= _ROWS or self.count * self.width > _CELLS:
            reason = f"xlsx: more than {_ROWS - 1:,} rows or {_CELLS:,} cells"
            raise EncodeError(f"{reason}: {_INSTEAD}")
        for column, cell in enumerate(cells):
            if cell is not None:
                self._write(self.count, column, cell)

    def _write(self, row: int, column: int, cell: Any) -> None:
        if isinstance(cell, bool):
            self.sheet.write_boolean(row, column, cell)
        elif isinstance(cell, float):
            self.sheet.write_number(row, column, cell)
        elif isinstance(cell, dt.datetime):
            self.sheet.write_datetime(row, column, cell, self.time)
        elif isinstance(cell, dt.date):
            self.sheet.write_datetime(row, column, cell, self.date)
        else:
            self.sheet.write_string(row, column, _text(cell))

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, which is complete then."""
        self.book.close()
        self.file.seek(0)
        while block := self.file.read(_BLOCK):
            yield block

    def close(self) -> None:
        """Remove the temporary files, after an error too."""
        self.file.close()
        if self.sheet.row_data_fh is not None:
            self.sheet.row_data_fh.close()
        self.folder.cleanup()


def _text(text: str) -> str:
    if len(text) > _CHARACTERS:
        reason = f"xlsx: a text of {len(text):,} characters, at most {_CHARACTERS:,}"
        raise EncodeError(f"{reason} are allowed in a cell: {_INSTEAD}")
    if match := _INVALID.search(text):
        raise EncodeError(f"xlsx: U+{ord(match[0]):04X} is not allowed in a text")
    return text
