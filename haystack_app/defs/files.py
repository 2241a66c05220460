"""Files of def records. The suffix of the name selects the format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, trio_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile, text_of
from ..wire.registry import HAYSON, JSON3, TRIO, ZINC, Format
from ..wire.row_errors import OF_FILE, row_errors

__all__ = ["SUFFIXES", "file_records", "may_have_defs"]

Records = list[dict[str, Any]]
_FORMATS = {".trio": TRIO, ".zinc": ZINC, ".json": HAYSON}
SUFFIXES = tuple(_FORMATS)
_DEFS = {
    ".trio": re.compile(r"^\ufeff?defx?[ \t]*:", re.MULTILINE),
    ".zinc": re.compile(r"\A[^\n]*\n(?:[^\n]*,)?[ \t]*defx?\b"),
    ".json": re.compile(r'"defx?"'),
}


def may_have_defs(path: Path) -> bool:
    """Whether the text names a tag ``def`` or ``defx``, for files that folders have.

    Source folders of Haxall contain Trio files of records, and JSON of other tools.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return True  # its reader says why
    return _DEFS[path.suffix.lower()].search(text) is not None


def file_records(
    path: Path, is_marker: Callable[[str], bool], errors: FileErrors
) -> Records:
    """All records of a file, defs or not; ``is_marker`` says of ``name:M`` in Trio.

    None of them if some are invalid: their errors are added. Raises UnreadableFile.
    """
    text = text_of(path)
    format = _FORMATS[path.suffix.lower()]
    if format is HAYSON and '"_kind"' not in text:  # symbols have one in version 4
        format = JSON3
    try:
        return _records(format, text, is_marker)
    except ParseError as err:
        for found in row_errors(format, text, err, OF_FILE):
            errors.add(UnreadableFile(path, found.position, found.message))
        return []


def _records(format: Format, text: str, is_marker: Callable[[str], bool]) -> Records:
    if format is TRIO:
        return trio_reader.read_dicts(text, is_marker)
    if format is ZINC:
        return [dict(row) for row in zinc_reader.read_grid(text).rows]
    value = (hayson_reader if format is HAYSON else json3_reader).read_value(text)
    items = value.rows if isinstance(value, Grid) else value
    if not isinstance(items, Sequence):
        raise ParseError("expected a grid or a list of dicts", "the root")
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise ParseError("expected a dict of tags", f"[{number}]")
    return [dict(item) for item in items]
