"""The text of a table: unpacked to a seekable file, with its encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ...wire.files import UnreadableFile
from .sheets import SheetChoice, spool_sheet

__all__ = [
    "SHEET",
    "TABLE_SUFFIXES",
    "encoding_of",
    "lines_of",
    "suffix_of",
    "unpacked",
]

SHEET = "xlsx"
"""In place of an encoding: lines of ``sheets.spool_sheet``."""
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_UNPACKED = 16 * 1024**3
"""Bytes of an unpacked file."""
_RATIO = 200
"""Unpacked to packed, beyond the first 64 MB; exports have 5 to 50."""
_FREE = 64 * 1024**2
_BLOCK = 1024**2
_LONGEST = 64 * 1024**2
"""Characters of a line."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def suffix_of(path: Path) -> str:
    """The suffix in lower case, without a ``.gz`` after it."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


@contextmanager
def unpacked(path: Path, sheet: SheetChoice | None = None) -> Iterator[IO[bytes]]:
    """The file, unpacked if its name ends in ``.gz``. Raises UnreadableFile.

    A spreadsheet is read to lines of the rows of its only sheet, or of the chosen one.
    """
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            limit = min(_UNPACKED, max(_FREE, path.stat().st_size * _RATIO))
            if path.suffix.lower() == ".gz":
                packed, file = file, stack.enter_context(tempfile.TemporaryFile())
                _unpack(path, packed, file, limit)
            if suffix_of(path) == ".xlsx":
                book, file = file, stack.enter_context(tempfile.TemporaryFile())
                spool_sheet(path, book, file, limit, sheet)
            file.seek(0)
            yield file
    except OSError as err:
        raise UnreadableFile(path, "", err.strerror or str(err)) from None


def _unpack(path: Path, raw: IO[bytes], spooled: IO[bytes], limit: int) -> None:
    size = 0
    try:
        with gzip.GzipFile(fileobj=raw) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                if size > limit:
                    reason = f"unpacked it is larger than {limit:,} bytes"
                    raise UnreadableFile(path, "", reason)
                spooled.write(block)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UnreadableFile(path, "", "invalid gzip") from None


def encoding_of(path: Path, raw: IO[bytes]) -> str:
    """By its byte order mark, else UTF-8, UTF-16 or cp1252. Raises UnreadableFile."""
    if suffix_of(path) == ".xlsx":
        return SHEET
    raw.seek(0)
    start = raw.read(4096)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        odd, even = start[1::2].count(0), start[::2].count(0)
        least, most = sorted((odd, even))
        if most < len(start) // 4 or least > len(start) // 8:
            raise UnreadableFile(path, "", "it is not a text file")
        return "utf-16-le" if odd > even else "utf-16-be"
    for encoding in ("utf-8", "cp1252"):
        if _decodes(raw, encoding):
            return encoding
    raise UnreadableFile(path, "", "it is neither UTF-8 nor cp1252")


def _decodes(raw: IO[bytes], encoding: str) -> bool:
    raw.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := raw.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def lines_of(path: Path, raw: IO[bytes], encoding: str) -> Iterator[str]:
    """The lines with their ends. Raises UnreadableFile."""
    raw.seek(0)
    text = io.TextIOWrapper(raw, encoding=encoding, newline="")
    try:
        number = 0
        while line := text.readline(_LONGEST):
            number += 1
            if len(line) >= _LONGEST:
                reason = f"longer than {_LONGEST:,} characters"
                raise UnreadableFile(path, f"line {number}", reason)
            yield line
    except UnicodeError:
        where = f"line {number + 1}"
        raise UnreadableFile(path, where, f"invalid {encoding.upper()}") from None
    finally:
        if not raw.closed:  # a wrapper that is dropped would close it
            text.detach()
