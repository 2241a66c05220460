"""Where the records of files were found."""

from __future__ import annotations

from pathlib import Path

__all__ = ["RowPositions"]

_ROWS = 1 << 40


class RowPositions:
    """The file and row of each id, in one number: files have many rows."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._files: dict[tuple[Path, str], int] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._places

    def __getitem__(self, id: str) -> tuple[Path, str]:
        """The file, and a text such as ``row 7``. Raises KeyError."""
        file, number = divmod(self._places[id], _ROWS)
        path, word = list(self._files)[file]
        return path, f"{word} {number}"

    def add(self, id: str, path: Path, word: str, number: int) -> None:
        """``word`` says what is counted: ``row`` or ``line``."""
        file = self._files.setdefault((path, word), len(self._files))
        self._places[id] = file * _ROWS + number
