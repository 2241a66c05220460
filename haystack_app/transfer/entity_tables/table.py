"""A table of entities: its header and what its columns are, and its rows as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ...defs.namespace import Namespace
from ...kinds.display import quoted
from ...wire.errors import ParseError
from ...wire.file_errors import FileErrors
from ...wire.files import UnreadableFile
from ..tables.date_order import DateOrder
from ..tables.errors import BadCell
from ..tables.numbers import DecimalEvidence
from ..tables.values import NO_VALUE
from .cells import CellRules, cell_of, is_marker_word
from .columns import EACH_CELL, TagColumn, has_any_kind, kind_by_def, shown_kind
from .guesses import guessed_kind
from .options import EntityTableOptions
from .sheet_rows import SheetRows, header_of, sheet_rows
from .words import tags_of_words

__all__ = ["EntityRow", "EntityTable", "read_table"]

_NAMES = ("name", "displayName", "label", "bezeichnung")
_UNITS = ("units", "uom", "engUnits", "engineeringUnits")
_PARENTS = ("site", "space", "equip")
_IGNORE = "leave the column out with --ignore, or rename it"


class EntityRow(NamedTuple):
    """``tags`` may have values of ``cells.RefName``; ``is_valid``: all cells are."""

    line: int
    tags: dict[str, Any]
    is_valid: bool


@dataclass(slots=True)
class EntityTable:
    """``columns`` have the kinds that all cells decide; ``headers`` are by tag."""

    sheet: SheetRows
    options: EntityTableOptions
    namespace: Namespace
    header_line: int
    headers: Sequence[str]
    columns: list[TagColumn] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    rules: dict[int, CellRules] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.sheet.path

    def rows(self, errors: FileErrors) -> Iterator[EntityRow]:
        """Rows that have content; their invalid cells are added to ``errors``."""
        for line, cells in self.sheet.rows:
            if line > self.header_line and any(cells):
                yield self._row(line, cells, errors)

    def cells(self, place: int) -> Iterator[tuple[int, str]]:
        """The cells of a column below the header that are not empty."""
        for line, cells in self.sheet.rows:
            if line > self.header_line and place < len(cells) and cells[place]:
                yield line, cells[place]

    def header(self, name: str) -> str:
        """The header of a tag, that of the words for a tag among them."""
        found = (one for one in self.columns if one.name == name or one.has_words)
        return min(found, key=lambda one: one.has_words).header

    def _row(self, line: int, cells: Sequence[str], errors: FileErrors) -> EntityRow:
        width = len(self.headers)
        if len(cells) != width and (len(cells) < width or any(cells[width:])):
            reason = f"expected {width} cells, found {len(cells)}"
            remedy = "quote cells that contain the delimiter"
            errors.add(BadCell(self.path, line, "", reason, remedy))
            return EntityRow(line, {}, is_valid=False)
        tags: dict[str, Any] = {}
        is_valid = True
        for column in self.columns:
            try:
                for name, value in self._tags(column, cells[column.place]):
                    if name in tags and tags[name] != value:
                        raise ValueError(f"{name} has another value in its own column")
                    tags[name] = value
            except ValueError as err:
                reason, remedy = str(err), _remedy(str(err), column)
                errors.add(BadCell(self.path, line, column.header, reason, remedy))
                is_valid = False
        return EntityRow(line, tags, is_valid)

    def _tags(self, column: TagColumn, text: str) -> Iterator[tuple[str, Any]]:
        if column.has_words:
            yield from tags_of_words(text, self._kind, self._word)
            return
        kind = guessed_kind([text]) if column.kind == EACH_CELL else str(column.kind)
        value = cell_of(column.name, kind, text, self.rules[column.place])
        if value is not None:
            yield column.name, value

    def _kind(self, name: str) -> str | None:
        return kind_by_def(name, self.namespace)

    def _word(self, name: str, text: str) -> Any:
        kind = self._kind(name) or guessed_kind([text])
        table = self.options.table
        rules = CellRules(None, table.decimal, table.dates, frozenset())
        try:
            return cell_of(name, kind, text, rules)
        except ValueError as err:
            raise ValueError(f"{name}: {err}") from None


def read_table(
    path: Path, options: EntityTableOptions, namespace: Namespace, errors: FileErrors
) -> EntityTable:
    """Invalid headers are added to ``errors``. Raises UnreadableFile."""
    try:
        sheet = sheet_rows(path, options, namespace, errors)
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None
    except ValueError as err:
        if isinstance(err, UnreadableFile):
            raise
        raise UnreadableFile(path, "", str(err)) from None
    line, headers = sheet.header
    table = EntityTable(sheet, options, namespace, line, headers)
    columns = _renamed(table, list(_columns(table, errors)))
    table.columns = [_with_kind(table, one) for one in columns]
    _decide(table, errors)
    if not table.columns and not errors:
        raise UnreadableFile(path, f"line {line}", "no column is the name of a tag")
    return table


def _columns(table: EntityTable, errors: FileErrors) -> Iterator[TagColumn]:
    names: dict[str, str] = {}
    for at, header in enumerate(table.headers):
        if header in table.options.table.ignore:
            table.ignored.append(header)
            continue
        if not header:
            if any(table.cells(at)):
                reason = f"column {at + 1} has cells, but no header"
                where = f"line {table.header_line}"
                errors.add(UnreadableFile(table.path, where, reason))
            continue
        try:
            column = header_of(at, header, table.namespace)
            if first := names.get(column.name):
                raise ValueError(f"{column.name} is the tag of {quoted(first)} too")
        except ValueError as err:
            line, reason = table.header_line, str(err)
            errors.add(BadCell(table.path, line, header, reason, _IGNORE))
            continue
        names[column.name] = header
        yield column


def _renamed(table: EntityTable, columns: list[TagColumn]) -> Iterator[TagColumn]:
    """``dis`` and ``unit`` by other names, and columns of names of sites and equips."""
    names = {column.name for column in columns}
    for column in columns:
        ref = f"{column.name}Ref"
        if column.name in _NAMES and names.isdisjoint({"dis", *_before(column.name)}):
            yield column._replace(name="dis", kind="str", source="def")
        elif column.name in _UNITS and "unit" not in names:
            yield column._replace(name="unit", kind="str", source="def")
        elif (
            column.name in _PARENTS
            and ref not in names
            and _are_names(text for _, text in table.cells(column.place))
        ):
            yield column._replace(name=ref, kind="ref", source="def")
        else:
            yield column


def _are_names(cells: Iterable[str]) -> bool:
    """Whether no cell is a word for a marker, or for none."""
    found = list(cells)
    return bool(found) and not any(is_marker_word(text) for text in found)


def _before(name: str) -> tuple[str, ...]:
    return _NAMES[: _NAMES.index(name)]


def _with_kind(table: EntityTable, column: TagColumn) -> TagColumn:
    if column.kind is not None or column.has_words:
        return column
    words = {word.lower() for word in table.options.table.no_value}
    cells = (text for _, text in table.cells(column.place))
    kind = guessed_kind(one for one in cells if one.lower() not in words)
    if kind == "str" and has_any_kind(column.name, table.namespace):
        kind = EACH_CELL
    return column._replace(kind=kind)


def _decide(table: EntityTable, errors: FileErrors) -> None:
    """Decide by all rows what one cell does not show."""
    options, decimals = table.options.table, DecimalEvidence()
    no_value = NO_VALUE | {word.lower() for word in options.no_value}
    for column in table.columns:
        if column.kind == "number":
            for line, text in table.cells(column.place):
                decimals.add(line, column.place, text)
    by_delimiter = "point" if table.sheet.delimiter == "," else None
    for column in table.columns:
        at, decimal, order = column.place, options.decimal, None
        try:
            if column.kind == "number" and decimal is None:
                decimal = decimals.decided(at, column.header, by_delimiter)
            elif column.kind == "date":
                order = _order(table, at)
        except ValueError as err:
            reason = str(err)
            errors.add(
                BadCell(table.path, table.header_line, column.header, reason, "")
            )
        table.rules[at] = CellRules(column.unit, decimal, order, no_value)


def _order(table: EntityTable, at: int) -> str | None:
    dates = DateOrder()
    for line, text in table.cells(at):
        dates.add(line, text)
    return dates.decided(table.options.table.dates, None)


def _remedy(reason: str, column: TagColumn) -> str:
    if "unknown unit" in reason:
        return "see the table of units, or begin your own with _"
    if reason.startswith("unit is"):
        return "write all numbers of the column in one unit"
    is_clear = "--" in reason or "expected" in reason or "write" in reason
    if is_clear and column.kind != "marker":
        return ""
    if column.source == "cells" or column.has_words:
        return ""
    by = "its header" if column.source in ("header", "unit") else "the def of the tag"
    return f"{by} asks for a {shown_kind(str(column.kind))}; {_IGNORE}"
