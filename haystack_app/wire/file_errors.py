"""Errors in files, with their row; a run collects those of all rows of its files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from ..kinds.display import and_more
from .errors import ParseError
from .files import UnreadableFile
from .row_errors import HEAD_LINES

__all__ = ["FileErrors", "InvalidFiles", "grid_error", "row_error"]

LISTED = 100
"""Errors of one file that are shown; the others are counted."""
_JSON_ROW = re.compile(r"(?:rows)?\[(\d+)\]\.?(.*)", re.DOTALL)
_LINE = re.compile(r"line (\d+), ")
_IN_LINE = re.compile(r"line (\d+)\b")


class InvalidFiles(UnreadableFile):
    """Files with several errors: a line for the number and one for each error."""

    def __init__(self, shown: list[UnreadableFile], counts: Counter[Path]) -> None:
        self.shown, self.counts = shown, counts
        lines = [f"{counts.total():,} errors, nothing was stored"]
        for path, count in counts.items():
            found = [str(error) for error in shown if error.path == path]
            lines += found
            lines += and_more(count - len(found), indent=f"{path}: ")
        ValueError.__init__(self, "\n".join(lines))


class FileErrors:
    """The errors that a run has found so far.

    ``report`` gets every error. ``lines`` are those with an error, ``others`` the
    number of errors without a line. Errors in ``left_out`` lines are not added.
    """

    def __init__(
        self,
        report: Callable[[UnreadableFile], object] = lambda _: None,
        left_out: Mapping[Path, set[int]] | None = None,
    ) -> None:
        self.shown: list[UnreadableFile] = []
        self.counts: Counter[Path] = Counter()
        self.report, self.left_out = report, left_out or {}
        self.lines: dict[Path, set[int]] = defaultdict(set)
        self.others = 0

    def __bool__(self) -> bool:
        return bool(self.shown)

    def add(self, error: UnreadableFile) -> None:
        line = _IN_LINE.match(error.where)
        if line is None:
            self.others += 1
        elif int(line[1]) in self.left_out.get(error.path, ()):
            return
        else:
            self.lines[error.path].add(int(line[1]))
        self.report(error)
        self.counts[error.path] += 1
        if self.counts[error.path] <= LISTED:
            self.shown.append(error)

    def check(self) -> None:
        """Raises UnreadableFile if there are errors."""
        if len(self.shown) == 1:
            raise self.shown[0]
        if self.shown:
            raise InvalidFiles(self.shown, self.counts)


def row_error(path: Path, row: int, reason: str) -> UnreadableFile:
    """An error in a row, counted from 1."""
    return UnreadableFile(path, f"row {row}", reason)


def grid_error(path: Path, text: str, err: ParseError) -> UnreadableFile:
    """An error in a grid's text, with the row if it is known.

    Zinc errors have a line and a column. The line determines the row unless a cell
    contains a nested grid, which has lines of its own.
    """
    json_row = _JSON_ROW.fullmatch(err.position)
    if json_row is not None:
        tag = json_row[2]
        reason = f"{tag}: {err.message}" if tag else err.message
        return row_error(path, int(json_row[1]) + 1, reason)
    line = _LINE.match(err.position)
    if line is not None and int(line[1]) > HEAD_LINES and "<<" not in text:
        row = int(line[1]) - HEAD_LINES
        return UnreadableFile(path, f"row {row} ({err.position})", err.message)
    return UnreadableFile(path, err.position, err.message)
