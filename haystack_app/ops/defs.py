"""Ops that answer definitions: defs, libs, filetypes, ops.

Source: docHaystack Ops. Each takes an optional ``filter``, on the tags of the
defs themselves, and an optional ``limit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import filters
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Symbol
from .arguments import filter_of, limit_of
from .registry import Context, Op, all_ops, op

__all__: list[str] = []


@op("defs")
def defs(context: Context, request: Grid) -> Grid:
    """The defs of the project's namespace, optionally narrowed."""
    return _narrowed(context.storage.namespace(), request)


@op("libs")
def libs(context: Context, request: Grid) -> Grid:
    """The libraries that the project's defs belong to, optionally narrowed."""
    return _narrowed(context.storage.namespace().of_feature("lib"), request)


@op("filetypes")
def filetypes(context: Context, request: Grid) -> Grid:
    """The file types that the project's namespace defines, optionally narrowed."""
    return _narrowed(context.storage.namespace().of_feature("filetype"), request)


@op("ops")
def ops(context: Context, request: Grid) -> Grid:
    """The ops of this server, optionally narrowed by filter and limit."""
    return _narrowed(map(_op_row, all_ops()), request)


def _op_row(entry: Op) -> dict[str, Any]:
    """What the server has, whatever the namespace says of it."""
    row: dict[str, Any] = {
        "def": Symbol(f"op:{entry.name}"),
        "doc": entry.doc,
        "name": entry.name,
        "op": MARKER,
    }
    return row if entry.side_effects else {**row, "noSideEffects": MARKER}


def _narrowed(found: Iterable[Mapping[str, Any]], request: Grid) -> Grid:
    arguments = request.first
    rows = list(found)
    if "filter" in arguments:
        tree = filter_of(arguments["filter"])
        rows = [row for row in rows if filters.matches(tree, row, lambda _: None)]
    return Grid.of(rows[: limit_of(arguments.get("limit"))])
