"""CSV reader: every cell is a Str.

Column names become tag names; the original header text is kept in the column's meta
as ``orig``. An empty cell is the empty Str. Writers leave the cell of a null empty
too: CSV does not distinguish the two.
Source: docHaystack Csv, RFC 4180, and Haxall's reader for the names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator

from ..kinds.grid import Col, Grid
from ..kinds.scalars import is_tag_name
from . import limits
from .csv_cells import csv_rows
from .errors import ParseError
from .plain_text import strip_bom

__all__ = ["read_grid"]

_NO_NAME_CHAR = re.compile(r"[^A-Za-z0-9_]+")
_CAPITALS = re.compile(r"[A-Z]+")


def read_grid(text: str) -> Grid:
    """The grid of a header and its rows. Raises ParseError."""
    lines = csv_rows(io.StringIO(strip_bom(text), newline="\n"))
    _, header = next(lines, (0, []))
    if not header:
        return Grid()
    cols = [Col(name, {"orig": orig}) for name, orig in _names(map(str, header))]
    names = [col.name for col in cols]
    rows = []
    values = 0
    for number, cells in lines:
        if len(cells) != len(names):
            raise ParseError(
                f"expected {len(names)} cells, found {len(cells)}", f"line {number}"
            )
        values += len(cells) + 1
        if values > limits.MAX_CELLS:
            raise ParseError(
                f"more than {limits.MAX_CELLS} values (cap CELLS)", f"line {number}"
            )
        rows.append(dict(zip(names, map(str, cells), strict=True)))
    return Grid(cols, rows)


def _names(header: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A distinct tag name for each header text."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for orig in header:
        name = base = _tag_name(orig)
        while name in taken:
            numbers[base] = numbers.get(base, 0) + 1
            name = f"{base}_{numbers[base]}"
        taken.add(name)
        yield name, orig


def _tag_name(text: str) -> str:
    """``Chilled Water`` as ``chilledWater``, ``ID`` as ``id``, ``2nd`` as ``v2nd``."""
    text = text.strip()
    if is_tag_name(text):
        return text
    words = [_NO_NAME_CHAR.sub("", word) for word in text.split()]
    first, *others = [word for word in words if word] or ["" if text else "blank"]
    if first[:1].isupper():
        first = _CAPITALS.sub(_lower, first, count=1)
    name = first + "".join(word[0].upper() + word[1:] for word in others)
    return name if is_tag_name(name) else f"v{name}"


def _lower(capitals: re.Match[str]) -> str:
    return capitals[0].lower()
