"""Files of JSON whose rows are parsed one at a time.

The tree of a parsed file takes ten times the memory of its text. Here rows are found,
and checked as JSON, without a tree. Where a file has an error, or is no grid or list,
readers of the whole text say what is wrong, and where.
"""

from __future__ import annotations

import mmap
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
from msgspec import Raw

from .tables.source import unpacked

__all__ = ["JsonRows", "json_rows"]

_ROWS = 1_000
"""So many are parsed until the pages of the file are given back."""
_BLANK = 64
"""Bytes before the first brace, at most; a file with more is read as a whole."""


class JsonRows(NamedTuple):
    """``head`` has the other members of a grid, and no rows; a list has None."""

    file: mmap.mmap
    head: dict[str, Any] | None
    rows: list[Raw]

    def matches(self, pattern: str) -> bool:
        """Whether the text has the pattern somewhere."""
        return re.search(pattern.encode(), self.file) is not None

    def parsed(self) -> Iterator[Any]:
        """Raises orjson.JSONDecodeError for invalid UTF-8."""
        for at, row in enumerate(self.rows):
            if at % _ROWS == 0:
                self.file.madvise(mmap.MADV_DONTNEED)
            yield orjson.loads(memoryview(row))


@contextmanager
def json_rows(path: Path) -> Iterator[JsonRows | None]:
    """The rows of a grid or a list; None if the text must be read as a whole.

    Raises UnreadableFile.
    """
    with unpacked(path) as raw:
        try:
            file = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            yield None
            return
        # not closed here: rows refer to it
        yield _found(file)


def _found(file: mmap.mmap) -> JsonRows | None:
    start = len(BOM_UTF8) if file[: len(BOM_UTF8)] == BOM_UTF8 else 0
    text = memoryview(file)[start:]
    try:
        match bytes(text[:_BLANK]).lstrip()[:1]:
            case b"[":
                return JsonRows(file, None, msgspec.json.decode(text, type=list[Raw]))
            case b"{":
                members = msgspec.json.decode(text, type=dict[str, Raw])
                rows = msgspec.json.decode(members.pop("rows"), type=list[Raw])
                head = {
                    name: orjson.loads(memoryview(one)) for name, one in members.items()
                }
                return JsonRows(file, {**head, "rows": []}, rows)
    except (msgspec.DecodeError, KeyError, ValueError, RecursionError):
        return None
    return None
