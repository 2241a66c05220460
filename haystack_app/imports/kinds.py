"""Whether a file has entities or samples, guessed from its beginning."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import IO

from ..transfer.entity_files import GRID_SUFFIXES, read_grid
from ..transfer.tables.options import TableOptions
from ..transfer.tables.roles import role_of
from ..transfer.tables.rows import candidates, found_shape, rows_of
from ..transfer.tables.source import encoding_of, suffix_of, unpacked, unpacked_text
from ..wire.errors import ParseError
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .corrections import ENTITIES, HISTORY

__all__ = ["guessed_kind"]

_ROWS = 20
_OF_ENTITIES = {"dis", "tags", "markers", "mod", "siteref", "equipref", "navname"}
_TAGS = _OF_ENTITIES | {"id", "name", "kind", "unit", "tz", "point", "equip", "site"}


def guessed_kind(path: Path, options: TableOptions) -> str:
    """Raises UnreadableFile."""
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return HISTORY
    if suffix in (*GRID_SUFFIXES, ".trio"):
        return _of_grid(path)
    return _of_table(path, options)


def _of_grid(path: Path) -> str:
    text = unpacked_text(path)
    if text.lstrip().startswith("["):
        return ENTITIES
    try:
        grid = read_grid(path, text, FileErrors())
    except (UnreadableFile, ParseError):  # the reader that is chosen says why
        return ENTITIES
    return HISTORY if "ts" in grid.names else ENTITIES


def _of_table(path: Path, options: TableOptions) -> str:
    with unpacked(path) as raw:
        encoding = encoding_of(path, raw)
        delimiters = candidates(path, raw, encoding, options)
        try:
            _, shape = found_shape(path, raw, encoding, options)
        except ValueError:
            rows = [
                cells
                for sign in delimiters
                for cells in _first_rows(path, raw, encoding, sign)
            ]
            return ENTITIES if any(map(_names_tags, rows)) else HISTORY
    has_values = any(role_of(name) == "value" for name in shape.header)
    is_own = "mod" in shape.header and "id" in shape.header
    of_tags = _names_tags(shape.header) and not has_values and "ts" not in shape.header
    return ENTITIES if is_own or of_tags else HISTORY


def _first_rows(
    path: Path, raw: IO[bytes], encoding: str, sign: str
) -> list[list[str]]:
    try:
        found = rows_of(path, raw, encoding, sign, lambda _: None)
        return [cells for _, cells in islice(found, _ROWS)]
    except (ParseError, UnreadableFile):
        return []


def _names_tags(cells: list[str]) -> bool:
    """Whether a row is the header of a table of entities."""
    names = {
        cell.partition("(")[0].replace(" ", "").replace("_", "").strip().lower()
        for cell in cells
    }
    return bool(names & _OF_ENTITIES) and len(names & _TAGS) > 1
