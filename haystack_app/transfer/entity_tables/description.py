"""What was understood of a table of entities, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from ...kinds.display import and_more, shortened
from ..tables.rows import NAMES
from ..tables.source import SHEET
from .columns import TagColumn, shown_kind
from .table import EntityTable

__all__ = ["table_description"]

_LISTED = 100
_SOURCES = {
    "header": "by its header",
    "unit": "by the unit of its header",
    "def": "by the def of the tag",
    "cells": "by its cells",
}


def table_description(table: EntityTable) -> Iterator[str]:
    """Lines about the file, its form, and each of its columns."""
    yield f"{table.path}"
    yield f"  text: {_text(table)}"
    if table.sheet.preamble:
        yield f"  not read before the header: {table.sheet.preamble:,} rows"
    for column in table.columns[:_LISTED]:
        yield f"  {column.header} -> {_column(table, column)}"
    yield from and_more(len(table.columns) - _LISTED, "columns", "  ")
    if table.ignored:
        yield f"  left out: {shortened(', '.join(table.ignored))}"


def _text(table: EntityTable) -> str:
    sheet = table.sheet
    if sheet.encoding != SHEET:
        sign = next(name for name, sign in NAMES.items() if sign == sheet.delimiter)
        return f"{sheet.encoding}, {sign}s"
    others = ", ".join(sheet.choice.others)
    rest = f"; not read: {others} (--sheet)" if others else ""
    return f"sheet {sheet.choice.used}{rest}"


def _column(table: EntityTable, column: TagColumn) -> str:
    if column.has_words:
        return "words: markers and tag:value"
    rules = table.rules[column.place]
    parts = [shown_kind(str(column.kind))]
    if column.unit:
        parts.append(column.unit)
    if rules.decimal:
        parts.append(f"decimal {rules.decimal}")
    if rules.order:
        parts.append(rules.order)
    return f"{column.name}: {', '.join(parts)}, {_SOURCES[column.source]}"
