"""Ops that return definitions: defs, libs, filetypes, ops.

Source: docHaystack Ops. Each accepts an optional ``filter``, which is matched
against the tags of the defs themselves, and an optional ``limit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import filters
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Symbol
from .arguments import require_filter, row_limit
from .registry import Context, Op, all_ops, op

__all__: list[str] = []

_ARGUMENTS = {
    "filter": "on the tags of the defs, such as `lib==^lib:hs`",
    "limit": "rows at most",
}


@op("defs", arguments=_ARGUMENTS)
def defs(context: Context, request: Grid) -> Grid:
    """The defs of the project's namespace, optionally by filter and limit."""
    return _filtered(context, context.storage.namespace(), request)


@op("libs", arguments=_ARGUMENTS)
def libs(context: Context, request: Grid) -> Grid:
    """The libraries of the project's namespace, optionally by filter and limit."""
    return _filtered(context, context.storage.namespace().of_feature("lib"), request)


@op("filetypes", arguments=_ARGUMENTS)
def filetypes(context: Context, request: Grid) -> Grid:
    """The file types of the project's namespace, optionally by filter and limit."""
    return _filtered(
        context, context.storage.namespace().of_feature("filetype"), request
    )


@op("ops", arguments=_ARGUMENTS)
def ops(context: Context, request: Grid) -> Grid:
    """The ops of this server, optionally by filter and limit."""
    return _filtered(context, map(_op_row, all_ops()), request)


def _op_row(entry: Op) -> dict[str, Any]:
    """The def of a registered op, independent of the namespace."""
    row: dict[str, Any] = {
        "def": Symbol(f"op:{entry.name}"),
        "doc": entry.doc,
        "name": entry.name,
        "op": MARKER,
    }
    return row if entry.side_effects else {**row, "noSideEffects": MARKER}


def _filtered(
    context: Context, found: Iterable[Mapping[str, Any]], request: Grid
) -> Grid:
    arguments = request.first
    rows = list(found)
    if "filter" in arguments:
        tree = require_filter(arguments["filter"])
        tree = filters.resolve_times(tree, context.now)
        rows = [row for row in rows if filters.matches(tree, row, lambda _: None)]
    return Grid.of(rows[: row_limit(arguments.get("limit"))])
