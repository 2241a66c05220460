"""Which CSV files are our own, with kinds by quotes, and which are tables of others.

Our dumps have the columns ``id`` and ``mod``, in UTF-8 and with commas. A file whose
columns are all names of tags is read as one of our own too, unless its cells show that
it is not: markers are not ``✓``, ids are without ``@`` or in quotes, or tags are words
of a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from ...defs.namespace import Namespace
from ...kinds.scalars import is_tag_name
from ...wire.csv_cells import Quoted, csv_rows, needs_quotes
from ...wire.csv_writer import MARKER_TEXT
from ...wire.errors import ParseError
from ..tables.source import TABLE_SUFFIXES, suffix_of, unpacked
from .cells import MARKER_WORDS
from .columns import TAG_COLUMNS, kind_by_def
from .options import EntityTableOptions

__all__ = ["is_entity_table"]

_SAMPLE = 400
_OWN = {"id", "mod"}


def is_entity_table(
    path: Path, options: EntityTableOptions, namespace: Namespace
) -> bool:
    """Whether the file is read as a table of others. Raises UnreadableFile."""
    suffix = suffix_of(path)
    if suffix not in TABLE_SUFFIXES:
        return False
    if suffix != ".csv" or options.decides:
        return True
    rows = _sample(path)
    if not rows:
        return False
    names = [rows[0][0].removeprefix("\ufeff"), *rows[0][1:]]
    if len(set(names)) != len(names) or not all(map(is_tag_name, names)):
        return True
    return not set(names) >= _OWN and _is_foreign(names, rows[1:], namespace)


def _sample(path: Path) -> list[list[str]]:
    """The first rows; text that is not UTF-8 cannot be a name of a tag."""
    found: list[list[str]] = []
    with unpacked(path) as raw:
        lines = (line.decode("utf-8", "replace") for line in raw)
        with suppress(ParseError):  # the reader that is chosen says why
            found.extend(cells for _, cells in islice(csv_rows(lines), _SAMPLE))
    return found


def _is_foreign(
    names: Sequence[str], rows: Sequence[Sequence[str]], namespace: Namespace
) -> bool:
    cells = [
        (name, cell)
        for row in rows
        for name, cell in zip(names, row, strict=False)
        if cell.strip()
    ]
    kinds = {name: kind_by_def(name, namespace) for name in names}
    of_refs = [cell for name, cell in cells if kinds[name] == "ref"]
    if any(_is_id_in_quotes(cell) for cell in of_refs):
        return True
    if any(cell == MARKER_TEXT or cell.startswith("'@") for _, cell in cells):
        return False
    if any(kinds[name] == "marker" and cell in MARKER_WORDS for name, cell in cells):
        return True
    if any(name in TAG_COLUMNS for name in names):
        return True
    return bool(of_refs) and not any(cell.startswith("@") for cell in of_refs)


def _is_id_in_quotes(cell: str) -> bool:
    """Whether the writer of the file puts all cells in quotes, which ours does not."""
    return isinstance(cell, Quoted) and cell.startswith("@") and not needs_quotes(cell)
