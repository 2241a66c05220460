"""Records in files: Zinc grids, Hayson grids and bare JSON lists of dicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, zinc_reader
from ..wire.errors import ParseError
from .places import TransferError, at_row, grid_fault

__all__ = ["SUFFIXES", "read_grid", "read_records", "record_files", "text_of"]

SUFFIXES = (".zinc", ".json")
Tags = Mapping[str, Any]


def record_files(paths: Iterable[Path]) -> list[Path]:
    """The files to read: those named, and those in the folders named.

    Folders are searched to any depth, in order of names; a file is taken once.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _files(path):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES]
        files = sorted(file for file in inside if file.is_file())
        if not files:
            raise TransferError(path, "", f"no {' or '.join(SUFFIXES)} file in it")
        return files
    if not path.is_file():
        raise TransferError(path, "", "no such file or folder")
    if path.suffix.lower() not in SUFFIXES:
        raise TransferError(path, "", f"the name must end in {' or '.join(SUFFIXES)}")
    return [path]


def text_of(path: Path) -> str:
    """The file's text, without a byte order mark."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise TransferError(path, f"byte {err.start}", "invalid UTF-8") from None
    except OSError as err:
        raise TransferError(path, "", err.strerror or str(err)) from None


def read_records(path: Path) -> Iterator[tuple[int, Tags]]:
    """The records of one file with their rows, counted from 1."""
    text = text_of(path)
    if path.suffix.lower() == ".zinc" or not text.lstrip().startswith("["):
        return enumerate(read_grid(path, text).rows, 1)
    return _bare_list(path, text)


def read_grid(path: Path, text: str) -> Grid:
    """The grid that a file's text is; an error grid is refused."""
    is_zinc = path.suffix.lower() == ".zinc"
    reader = zinc_reader.read_grid if is_zinc else hayson_reader.read_grid
    try:
        grid = reader(text)
    except ParseError as err:
        raise grid_fault(path, text, err) from None
    if grid.is_error:
        raise TransferError(path, "", f"an error grid: {grid.meta.get('dis', '')}")
    return grid


def _bare_list(path: Path, text: str) -> Iterator[tuple[int, Tags]]:
    try:
        items = hayson_reader.parse_json(text)
    except ParseError as err:
        raise TransferError(path, err.position, err.message) from None
    for row, item in enumerate(items, 1):
        try:
            record = hayson_reader.decode(item)
        except ParseError as err:
            where = f"{err.position}: " if err.position else ""
            raise at_row(path, row, where + err.message) from None
        if not isinstance(record, dict):
            raise at_row(path, row, "expected a dict of tags")
        yield row, record
