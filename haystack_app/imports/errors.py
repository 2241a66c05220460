"""Errors of files, as users of the API and of the page read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..transfer.tables.errors import BadCell
from ..wire.file_errors import InvalidFiles
from ..wire.files import UnreadableFile

__all__ = ["bad_row", "reason_of", "sheet_of", "words"]

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")
_NAMES = {"sheet": "sheets"}
_LINE = re.compile(r"(?:line|row) (\d+)\b")


def words(text: str) -> str:
    """A text that names corrections, in backticks, instead of options of commands."""
    plain = text.replace("--no-value WORD if", "--no-value, if")
    return _OPTION.sub(lambda match: _correction(match[1]), plain)


def _correction(option: str) -> str:
    first, *rest = option.split("-")
    name = first + "".join(word.title() for word in rest)
    return f"`{_NAMES.get(name, name)}`"


def reason_of(error: Exception) -> str:
    """Without the path of the file, which is that of the spool."""
    if isinstance(error, InvalidFiles):
        return "\n".join(map(reason_of, error.shown))
    if not isinstance(error, UnreadableFile):
        return words(str(error))
    where = [part for part in (sheet_of(error.path), error.where) if part]
    return words(
        ": ".join([", ".join(where), error.reason] if where else [error.reason])
    )


def sheet_of(path: Path) -> str:
    """The sheet of a path such as ``points.xlsx#AHU 1``, empty without one."""
    return path.name.partition("#")[2]


def bad_row(error: UnreadableFile) -> dict[str, Any]:
    """An invalid row or cell; ``line`` is null for an error of the whole file."""
    line = _LINE.match(error.where)
    found = {
        "sheet": sheet_of(error.path),
        "line": int(line[1]) if line else None,
        "column": "",
        "reason": words(error.reason),
        "remedy": "",
    }
    if isinstance(error, BadCell):
        found["column"] = error.column
        found["reason"], found["remedy"] = words(error.cause), words(error.remedy)
    return found
