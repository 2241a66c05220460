"""Standard input as a file, for commands that read their files twice."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["with_standard_input"]

_STANDARD = Path("-")
_PACKED = b"\x1f\x8b"
_STARTS = (
    (b"PK\x03\x04", ".xlsx"),
    (b"PAR1", ".parquet"),
    (b"ver:", ".zinc"),
    (b"// ver:", ".trio"),
    (b"---", ".trio"),
    (b"{", ".json"),
    (b"[", ".json"),
)
"""Suffixes by the first bytes; other texts are tables."""


@contextmanager
def with_standard_input(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The paths, with a temporary copy of standard input in place of ``-``."""
    if _STANDARD not in paths:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        suffix = _suffix(copy)
        named = copy.rename(copy.with_name(f"stdin{suffix}"))
        yield [named if path == _STANDARD else path for path in paths]


def _suffix(path: Path) -> str:
    with path.open("rb") as file:
        is_packed = file.read(2) == _PACKED
        file.seek(0)
        try:
            start = (gzip.GzipFile(fileobj=file) if is_packed else file).read(256)
        except (OSError, EOFError, zlib.error):  # the reader says what is wrong
            start = b""
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    found = next((one for mark, one in _STARTS if start.startswith(mark)), ".csv")
    return f"{found}.gz" if is_packed else found
