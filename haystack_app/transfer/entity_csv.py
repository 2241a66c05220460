"""Records in CSV: the text of a cell, its quotes and the def of its tag say the kind.

Our writer quotes a Str that would else look like another kind, so an unquoted cell of
that look is of that kind. A cell that may be of two kinds is an error.
Source: docHaystack Csv for the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ..defs.namespace import Namespace
from ..defs.values import is_of_kind, kind_of, kind_of_def
from ..kinds.display import quoted
from ..kinds.scalars import MARKER, NA, REMOVE, Number, Ref, Symbol, Uri, is_tag_name
from ..wire import csv_writer, lexer, zinc_reader
from ..wire.csv_cells import Quoted, csv_rows, needs_quotes
from ..wire.csv_writer import MARKER_TEXT, cell_text, original_text
from ..wire.errors import EncodeError, ParseError
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from ..wire.zinc_writer import value_text

__all__ = ["CsvKinds", "csv_records"]

_WORDS: dict[str, Any] = {
    MARKER_TEXT: MARKER,
    "true": True,
    "false": False,
    "NA": NA,
    "R": REMOVE,
    "NaN": Number(float("nan")),
    "INF": Number(float("inf")),
    "-INF": Number(float("-inf")),
}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_COMPOUND = re.compile(r"[\[{<]|[A-Z][A-Za-z0-9_]*\(")


def csv_records(
    path: Path, text: str, namespace: Namespace, errors: FileErrors
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Records with their row numbers. Raises UnreadableFile."""
    kinds = CsvKinds(namespace)

    def refuse(err: ParseError) -> None:
        errors.add(UnreadableFile(path, err.position, err.message))

    rows = csv_rows(StringIO(text, newline="\n"), refuse)
    try:
        line, names = next(rows, (1, []))
        _check_names(path, line, names)
        is_download = False
        for row, (line, cells) in enumerate(rows, 1):
            where = f"row {row} (line {line})"
            if len(cells) != len(names):
                reason = f"expected {len(names)} cells, found {len(cells)}"
                errors.add(UnreadableFile(path, where, reason))
                continue
            is_download = is_download or _is_download(names, cells)
            if is_download:
                cells = [_original(cell) for cell in cells]
            try:
                yield row, _record(zip(names, cells, strict=True), kinds)
            except ValueError as err:
                errors.add(UnreadableFile(path, where, str(err)))
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None


def _is_download(names: list[str], cells: list[str]) -> bool:
    """Ids with an apostrophe before them, as spreadsheets need it."""
    return "id" in names and cells[names.index("id")].startswith("'@")


def _original(cell: str) -> str:
    text = original_text(cell)
    return Quoted(text) if isinstance(cell, Quoted) else text


def _check_names(path: Path, line: int, names: list[str]) -> None:
    invalid = [name for name in names if not is_tag_name(name)]
    if invalid or len(set(names)) != len(names):
        name = next(iter(invalid), None) or max(names, key=names.count)
        reason = f"columns must be different names of tags, not {quoted(name)}"
        raise UnreadableFile(path, f"line {line}", reason)


def _record(cells: Iterator[tuple[str, str]], kinds: CsvKinds) -> dict[str, Any]:
    found = {name: kinds.value(name, cell) for name, cell in cells}
    return {name: value for name, value in found.items() if value is not None}


class CsvKinds:
    """Values of cells, by the defs of a store."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._kinds: dict[str, str | None] = {}

    def check(self, name: str, value: Any) -> None:
        """Raises ValueError if the cell of a value does not give the same value."""
        try:
            text = cell_text(value)
        except EncodeError as err:
            raise ValueError(f"{name}: {err}") from None
        cells = next((row for _, row in csv_rows([f"{text},x"])), ["", ""])
        try:
            found = self.value(name, cells[0])
        except ValueError:
            found = None
        if _exact(found) != _exact(value):
            kind = kind_of(value).capitalize()
            raise ValueError(f"the {kind} of tag {name} would not be read as it is")

    def value(self, name: str, cell: str) -> Any:
        """The value of a tag's cell, None if it is empty. Raises ValueError."""
        kind = self._kind(name)
        if not isinstance(cell, Quoted):
            found = _plain(cell)
            if type(found) is str and _is_uri(found, kind):
                return Uri(found)
        else:
            found = self._quoted(name, str(cell), kind)
            if kind == "uri" and type(found) is str and needs_quotes(cell):
                return Uri(found)
        if found is None or kind is None or is_of_kind(found, kind):
            return found
        shown = f"{kind[0].upper()}{kind[1:]}"
        raise ValueError(f"{name}: expected a {shown}, found {quoted(cell)}")

    def _quoted(self, name: str, text: str, kind: str | None) -> Any:
        """A Str, or a value whose text must be quoted: a list, a Coord, a Ref .."""
        other = _compound(text) if needs_quotes(text) else None
        if other is None or (kind is not None and not is_of_kind(other, kind)):
            return text
        if kind is not None and is_of_kind(text, kind):
            reason = "may be a Str or another kind, and the def allows both"
            raise ValueError(f"{name}: {reason}: {quoted(text)}")
        return other

    def _kind(self, name: str) -> str | None:
        """The kind of a tag's values; tags that end in Ref are Refs."""
        if name not in self._kinds:
            known = name in self.namespace
            kind = kind_of_def(name, self.namespace) if known else None
            self._kinds[name] = kind or ("ref" if name.endswith("Ref") else None)
        return self._kinds[name]


def _is_uri(text: str, kind: str | None) -> bool:
    return kind == "uri" or (kind is None and _URI.match(text) is not None)


def _plain(cell: str) -> Any:
    if not cell:
        return None
    if cell in _WORDS:
        return _WORDS[cell]
    for read in (_number_or_time, _named, _zinc):
        found = read(cell)
        if found is not None:
            return found
    return cell


def _number_or_time(cell: str) -> Any:
    if not (cell[0].isdigit() or cell[0] == "-"):
        return None
    try:
        value, end = lexer.number_or_time(cell, 0)
    except ParseError:
        return None
    return value if end == len(cell) else None


def _named(cell: str) -> Any:
    """A Ref with its dis, or a Symbol."""
    try:
        if cell[0] == "@":
            id, _, dis = cell[1:].partition(" ")
            return Ref(id, dis or None)
        return Symbol(cell[1:]) if cell[0] == "^" else None
    except ValueError:
        return None


def _zinc(cell: str) -> Any:
    if not _COMPOUND.match(cell):
        return None
    try:
        return zinc_reader.read_value(cell)
    except ParseError:
        return None


def _compound(text: str) -> Any:
    """The value other than a Str of which our writer would write this text."""
    value = _named(text) if text[:1] == "@" else _zinc(text)
    return value if value is not None and csv_writer.value_text(value) == text else None


def _exact(value: Any) -> Any:
    """What tells a value from all others: Refs are equal without their dis."""
    try:
        return type(value), value_text(value)
    except EncodeError:
        return object()
