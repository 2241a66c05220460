"""Standard input as a file, for commands that read their files twice."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["with_standard_input"]

_STANDARD = Path("-")
_STARTS = (
    (b"\x1f\x8b", ".csv.gz"),
    (b"PK\x03\x04", ".xlsx"),
    (b"PAR1", ".parquet"),
    (b"ver:", ".zinc"),
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
        with copy.open("rb") as file:
            start = file.read(16).removeprefix(b"\xef\xbb\xbf").lstrip()
        suffix = next((one for mark, one in _STARTS if start.startswith(mark)), ".csv")
        named = copy.rename(copy.with_name(f"stdin{suffix}"))
        yield [named if path == _STANDARD else path for path in paths]
