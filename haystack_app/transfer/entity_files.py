"""Files of records: Zinc, Trio, and JSON grids and lists of both versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, trio_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.files import UnreadableFile, text_of
from .file_errors import grid_error, row_error

__all__ = ["GRID_SUFFIXES", "SUFFIXES", "read_grid", "read_records"]

GRID_SUFFIXES = (".zinc", ".json")
SUFFIXES = (*GRID_SUFFIXES, ".trio")
Tags = Mapping[str, Any]


def read_records(path: Path) -> Iterator[tuple[int, Tags]]:
    """The records of one file with their row numbers, counted from 1.

    Raises UnreadableFile.
    """
    text = text_of(path)
    if path.suffix.lower() == ".trio":
        return enumerate(_trio(path, text), 1)
    if path.suffix.lower() == ".zinc" or not text.lstrip().startswith("["):
        return enumerate(read_grid(path, text).rows, 1)
    return _json_list(path, text)


def read_grid(path: Path, text: str) -> Grid:
    """Parse a file's text as a grid. Raises UnreadableFile, also for an error grid."""
    is_zinc = path.suffix.lower() == ".zinc"
    reader = zinc_reader.read_grid if is_zinc else _json_reader(text).read_grid
    try:
        grid: Grid = reader(text)
    except ParseError as err:
        raise grid_error(path, text, err) from None
    if grid.is_error:
        dis = grid.meta.get("dis", "")
        raise UnreadableFile(path, "", f"the file is an error grid: {dis}")
    return grid


def _json_reader(text: str) -> ModuleType:
    """Version 4 has a ``_kind`` for each Ref, and every record has an id."""
    return hayson_reader if '"_kind"' in text else json3_reader


def _trio(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        return trio_reader.read_dicts(text)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None


def _json_list(path: Path, text: str) -> Iterator[tuple[int, Tags]]:
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
            raise row_error(path, row, where + err.message) from None
        if not isinstance(record, dict):
            raise row_error(path, row, "expected a dict of tags")
        yield row, record
