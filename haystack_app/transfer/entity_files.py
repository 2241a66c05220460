"""Records in files: Zinc, Trio, and JSON grids and lists of either version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, trio_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.files import UnreadableFile, text_of
from .file_errors import at_row, grid_fault

__all__ = ["GRID_SUFFIXES", "SUFFIXES", "read_grid", "read_records"]

GRID_SUFFIXES = (".zinc", ".json")
SUFFIXES = (*GRID_SUFFIXES, ".trio")
Tags = Mapping[str, Any]


def read_records(path: Path) -> Iterator[tuple[int, Tags]]:
    """The records of one file with their rows, counted from 1.

    Raises UnreadableFile.
    """
    text = text_of(path)
    if path.suffix.lower() == ".trio":
        return enumerate(_trio(path, text), 1)
    if path.suffix.lower() == ".zinc" or not text.lstrip().startswith("["):
        return enumerate(read_grid(path, text).rows, 1)
    return _bare_list(path, text)


def read_grid(path: Path, text: str) -> Grid:
    """The grid that a file's text is; an error grid is refused."""
    is_zinc = path.suffix.lower() == ".zinc"
    reader = zinc_reader.read_grid if is_zinc else _json_reader(text).read_grid
    try:
        grid: Grid = reader(text)
    except ParseError as err:
        raise grid_fault(path, text, err) from None
    if grid.is_error:
        raise UnreadableFile(path, "", f"an error grid: {grid.meta.get('dis', '')}")
    return grid


def _json_reader(text: str) -> ModuleType:
    """Version 4 cannot do without ``_kind`` where there is a Ref: an id, say."""
    return hayson_reader if '"_kind"' in text else json3_reader


def _trio(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        return trio_reader.read_dicts(text)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None


def _bare_list(path: Path, text: str) -> Iterator[tuple[int, Tags]]:
    try:
        items = hayson_reader.parse_json(text)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None
    decode = _json_reader(text).decode
    for row, item in enumerate(items, 1):
        try:
            record = decode(item)
        except ParseError as err:
            where = f"{err.position}: " if err.position else ""
            raise at_row(path, row, where + err.message) from None
        if not isinstance(record, dict):
            raise at_row(path, row, "expected a dict of tags")
        yield row, record
