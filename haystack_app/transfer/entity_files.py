"""Files of records: Zinc, Trio, JSON grids and lists of both versions, and CSV."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..defs.marker_words import MarkerWords
from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, limits, trio_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.file_errors import FileErrors, grid_error, row_error
from ..wire.files import UnreadableFile
from ..wire.registry import HAYSON, JSON3, TRIO, ZINC, Format
from ..wire.row_errors import OF_FILE, row_errors
from .entity_csv import csv_records
from .json_columns import with_all_columns
from .json_rows import JsonRows, json_rows
from .tables.source import TABLE_SUFFIXES, suffix_of, unpacked_text

__all__ = ["GRID_SUFFIXES", "NAMED_SUFFIXES", "SUFFIXES", "read_grid", "read_records"]

GRID_SUFFIXES = (".zinc", ".json")
SUFFIXES = (*GRID_SUFFIXES, ".trio")
"""Files that are searched in folders."""
NAMED_SUFFIXES = TABLE_SUFFIXES
"""Files that must be named, for most files of CSV are samples."""
_HAYSON = re.compile(r'"_kind"\s*:')
_COMMENT = "// "
Tags = Mapping[str, Any]
Rows = Iterable[tuple[int, Tags]]


def read_records(
    path: Path, words: MarkerWords, errors: FileErrors, unnamed: Counter[str]
) -> Rows:
    """The records of one file with their row numbers, counted from 1.

    Invalid rows are added to ``errors``; ``unnamed`` counts the tags of JSON rows that
    no column names. Raises UnreadableFile.
    """
    suffix = suffix_of(path)
    if suffix == ".csv":
        return csv_records(path, unpacked_text(path), words.namespace, errors)
    if suffix == ".json":
        return _json(path, errors, unnamed)
    text = unpacked_text(path)
    if suffix == ".trio":
        return _trio(path, text, words, errors)
    return _zinc(path, text, errors)


def read_grid(path: Path, text: str, errors: FileErrors) -> Grid:
    """Parse a file's text as a grid; without rows if some of them are invalid.

    Raises UnreadableFile, also for an error grid.
    """
    format = _format(path, text)
    try:
        grid = format.read_text(text)
    except ParseError as err:
        for found in row_errors(format, text, err, OF_FILE):
            errors.add(grid_error(path, text, found))
        return Grid()
    if grid.is_error:
        dis = grid.meta.get("dis", "")
        raise UnreadableFile(path, "", f"the file is an error grid: {dis}")
    return _with_head(text, grid) if format is TRIO else grid


def _format(path: Path, text: str) -> Format:
    """Version 4 of JSON has a ``_kind`` for each Ref, and every record has an id."""
    if suffix_of(path) == ".trio":
        return TRIO
    if suffix_of(path) == ".zinc":
        return ZINC
    return HAYSON if _HAYSON.search(text) else JSON3


def _with_head(text: str, grid: Grid) -> Grid:
    """A Trio grid with the meta that our writer puts into comments before it."""
    lines = text.split("\n")
    count = next((at for at, line in enumerate(lines) if line[:2] != "//"), 0)
    head = "\n".join(line.removeprefix(_COMMENT) for line in lines[:count])
    if not head.startswith("ver:"):
        return grid
    found = zinc_reader.read_grid(f"{head}\n")
    return Grid(found.cols, grid.rows, found.meta)


def _zinc(path: Path, text: str, errors: FileErrors) -> Rows:
    try:
        grid, rows = zinc_reader.read_rows(text)
        if grid.is_error:
            read_grid(path, text, errors)  # which raises
        yield from enumerate(rows, 1)
    except ParseError as err:
        for found in row_errors(ZINC, text, err, OF_FILE):
            errors.add(grid_error(path, text, found))


def _trio(
    path: Path, text: str, is_marker: Callable[[str], bool], errors: FileErrors
) -> Rows:
    try:
        yield from enumerate(trio_reader.records(text, is_marker), 1)
    except ParseError as err:
        for found in row_errors(TRIO, text, err, OF_FILE):
            errors.add(UnreadableFile(path, found.position, found.message))


def _json(path: Path, errors: FileErrors, unnamed: Counter[str]) -> Rows:
    with json_rows(path) as found:
        if found is None:
            yield from _of_text(path, unpacked_text(path), errors, unnamed)
            return
        is_hayson = found.matches(_HAYSON.pattern)
        try:
            if found.head is None:
                yield from _of_list(path, found.parsed(), errors, is_hayson=is_hayson)
            else:
                yield from _of_grid(found, unnamed, is_hayson=is_hayson)
        except (ParseError, ValueError) as err:
            known = errors.counts[path]
            list(_of_text(path, unpacked_text(path), errors, unnamed))
            if errors.counts[path] == known:
                raise UnreadableFile(path, "", str(err)) from None


def _of_text(path: Path, text: str, errors: FileErrors, unnamed: Counter[str]) -> Rows:
    """The rows of a text that most likely has an error."""
    if not text.lstrip().startswith("["):
        if text.lstrip().startswith("{"):
            text = with_all_columns(text, unnamed)
        return enumerate(read_grid(path, text, errors).rows, 1)
    try:
        items = hayson_reader.parse_json(text)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None
    is_hayson = _format(path, text) is HAYSON
    return _of_list(path, items, errors, is_hayson=is_hayson)


def _of_grid(found: JsonRows, unnamed: Counter[str], *, is_hayson: bool) -> Rows:
    """Raises ParseError for what is not a grid, and for the first invalid row."""
    decode = hayson_reader.decode if is_hayson else json3_reader.decoder()
    head = found.head or {}
    grid = decode(head) if isinstance(head.get("cols"), list) else None
    if not isinstance(grid, Grid) or grid.is_error:
        raise ParseError("expected a grid")
    names = {col.name for col in grid.cols}
    if is_hayson:
        names.add("_kind")
    values = 0
    for row, item in enumerate(found.parsed(), 1):
        if type(item) is not dict:
            raise ParseError("a row must be an object", f"rows[{row - 1}]")
        values += len(item) + 1
        if values > limits.MAX_CELLS:
            raise ParseError(f"more than {limits.MAX_CELLS} values (cap CELLS)")
        others = item.keys() - names
        unnamed.update(name for name in others if item[name] is not None)
        if is_hayson:
            item.pop("_kind", None)
        yield row, decode(item)


def _of_list(
    path: Path, items: Iterable[Any], errors: FileErrors, *, is_hayson: bool
) -> Rows:
    decode = hayson_reader.decode if is_hayson else json3_reader.decoder()
    for row, item in enumerate(items, 1):
        try:
            record = decode(item)
        except ParseError as err:
            where = f"{err.position}: " if err.position else ""
            errors.add(row_error(path, row, where + err.message))
            continue
        if isinstance(record, dict):
            yield row, record
        else:
            errors.add(row_error(path, row, "expected a dict of tags"))
