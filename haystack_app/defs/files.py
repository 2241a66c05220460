"""Files of def records. The suffix of the name selects the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, trio_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.files import UnreadableFile, text_of

__all__ = ["SUFFIXES", "file_records"]

Records = list[dict[str, Any]]


def file_records(path: Path, is_marker: Callable[[str], bool]) -> Records:
    """All records of a file, defs or not; ``is_marker`` says of ``name:M`` in Trio.

    Raises UnreadableFile.
    """
    try:
        text = text_of(path)
        if path.suffix.lower() == ".trio":
            return trio_reader.read_dicts(text, is_marker)
        return _READERS[path.suffix.lower()](text)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None


def _zinc(text: str) -> Records:
    return [dict(row) for row in zinc_reader.read_grid(text).rows]


def _json(text: str) -> Records:
    """A grid or a list of dicts, in the JSON of Haystack 4 or 3.

    Defs in version 4 always have a ``_kind``: their keys are symbols.
    """
    reader = hayson_reader if '"_kind"' in text else json3_reader
    value = reader.read_value(text)
    items = value.rows if isinstance(value, Grid) else value
    if not isinstance(items, Sequence):
        raise ParseError("expected a grid or a list of dicts", "the root")
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise ParseError("expected a dict of tags", f"[{number}]")
    return [dict(item) for item in items]


_READERS: dict[str, Callable[[str], Records]] = {
    ".zinc": _zinc,
    ".json": _json,
}
SUFFIXES = (".trio", *_READERS)
