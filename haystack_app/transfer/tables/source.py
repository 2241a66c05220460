"""The text of a table: unpacked to a seekable file, with its encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import SEEK_END
from pathlib import Path
from typing import IO

from ...wire.files import UnreadableFile, text_of
from .sheets import SheetChoice, sheet_names, spool_sheet

__all__ = [
    "SHEET",
    "TABLE_SUFFIXES",
    "encoding_of",
    "file_of",
    "lines_of",
    "sheet_paths",
    "suffix_of",
    "unpacked",
    "unpacked_text",
]

SHEET = "xlsx"
"""In place of an encoding: lines of ``sheets.spool_sheet``."""
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_UNPACKED = 16 * 1024**3
"""Bytes of an unpacked file."""
_RATIO = 200
"""Unpacked to packed, beyond the first 64 MB; exports have 5 to 50."""
_FREE = 64 * 1024**2
_WHOLE = 1024**3
"""Bytes of an unpacked file that is not read in parts."""
_BLOCK = 1024**2
_SHEET_PATH = re.compile(r"(.+\.xlsx(?:\.gz)?)#(.+)", re.IGNORECASE | re.DOTALL)
_LONGEST = 64 * 1024**2
"""Characters of a line."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def suffix_of(path: Path) -> str:
    """The suffix in lower case, without a ``.gz`` after it."""
    name = file_of(path).name.lower().removesuffix(".gz")
    return Path(name).suffix


def file_of(path: Path) -> Path:
    """The file of a path, which may be that of a sheet, ``points.xlsx#AHU 1``."""
    return (
        path.with_name(match[1])
        if (match := _SHEET_PATH.fullmatch(path.name))
        else path
    )


def sheet_paths(path: Path, names: Sequence[str]) -> list[Path]:
    """The sheets of a workbook with content, or those with the names, as paths.

    Other files, and the only sheet of a workbook, are themselves. Raises
    UnreadableFile.
    """
    if suffix_of(path) != ".xlsx" or file_of(path) != path:
        return [path]
    with _packed(path) as (file, limit):
        held = sheet_names(path, file, limit)
    if missing := [name for name in names if name not in held]:
        reason = f"no sheet {missing[0]} with content, only {', '.join(held) or 'none'}"
        raise UnreadableFile(path, "", reason)
    if len(held) < 2:
        return [path]
    return [path.with_name(f"{path.name}#{name}") for name in names or held]


@contextmanager
def unpacked(path: Path, sheet: SheetChoice | None = None) -> Iterator[IO[bytes]]:
    """The file, unpacked if its name ends in ``.gz``. Raises UnreadableFile.

    A spreadsheet is read to lines of the rows of its only sheet, or of the chosen one.
    """
    with ExitStack() as stack:
        file, limit = stack.enter_context(_packed(file_of(path)))
        if suffix_of(path) == ".xlsx":
            book, file = file, stack.enter_context(tempfile.TemporaryFile())
            if match := _SHEET_PATH.fullmatch(path.name):
                sheet = SheetChoice(match[2], alone=True)
            spool_sheet(path, book, file, limit, sheet)
        file.seek(0)
        yield file


@contextmanager
def _packed(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The file without gzip, and the bytes that it may have unpacked."""
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            limit = min(_UNPACKED, max(_FREE, path.stat().st_size * _RATIO))
            if path.suffix.lower() == ".gz":
                packed, file = file, stack.enter_context(tempfile.TemporaryFile())
                _unpack(path, packed, file, limit)
            file.seek(0)
            yield file, limit
    except OSError as err:
        raise UnreadableFile(path, "", err.strerror or str(err)) from None


def unpacked_text(path: Path) -> str:
    """The text of a file in UTF-8 that is read as a whole. Raises UnreadableFile."""
    if path.suffix.lower() != ".gz":
        return text_of(path)
    with unpacked(path) as raw:
        if raw.seek(0, SEEK_END) > _WHOLE:
            reason = f"unpacked it is larger than {_WHOLE:,} bytes"
            raise UnreadableFile(path, "", reason)
        raw.seek(0)
        try:
            return raw.read().decode("utf-8-sig")
        except UnicodeDecodeError as err:
            raise UnreadableFile(path, f"byte {err.start}", "invalid UTF-8") from None


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
    number, rest = 0, ""
    try:
        while block := text.read(_BLOCK):
            lines = io.StringIO(rest + block, newline="").readlines()
            # the next block may go on with it, or with the second half of its end
            rest = lines.pop() if lines[-1][-1:] != "\n" else ""
            if len(rest) >= _LONGEST:
                reason = f"longer than {_LONGEST:,} characters"
                raise UnreadableFile(path, f"line {number + len(lines) + 1}", reason)
            number += len(lines)
            yield from lines
        if rest:
            yield from io.StringIO(rest, newline="").readlines()
    except UnicodeError:
        where = f"line {number + 1}"
        raise UnreadableFile(path, where, f"invalid {encoding.upper()}") from None
    finally:
        if not raw.closed:  # a wrapper that is dropped would close it
            text.detach()
