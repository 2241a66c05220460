"""The op ``defTags``: which tags a new entity of a def is likely to have.

An extension, for forms. docHaystack has the rules, in the defs themselves.
"""

from __future__ import annotations

from typing import Any

from ..defs.proposals import ProposedTag, proposed_tags
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Symbol
from .arguments import require_str
from .registry import Context, OpError, op

__all__: list[str] = []

_COLUMNS = ["name", "kind", "doc", "of", "units", "options", "required", "val"]


@op("defTags", arguments={"def": "such as `^ahu`"})
def def_tags(context: Context, request: Grid) -> Grid:
    """Tags of entities that implement the def of the argument ``def``, such as ahu.

    Each has a name, a ``kind``, a ``doc``, and of ``of`` (the def of what a Ref refers
    to), ``units``, ``options`` (of a Choice, which are markers), ``required`` and
    ``val`` what there is. Meta ``subtypes`` are the defs below it.
    """
    namespace = context.storage.namespace()
    symbol = _symbol(request.first.get("def"))
    if symbol not in namespace or symbol.partition(":")[1]:
        raise OpError(f"unknown def ^{symbol}: ask for one such as ^ahu or ^point")
    subtypes = [
        Symbol(name) for name in namespace.subtypes(symbol)[1:] if name in namespace
    ]
    rows = [_row(one) for one in proposed_tags(namespace, symbol)]
    return Grid.of(rows, _COLUMNS, {"def": Symbol(symbol), "subtypes": subtypes})


def _symbol(value: Any) -> str:
    if isinstance(value, Symbol):
        return value.name
    return require_str(value, "def").removeprefix("^")


def _row(one: ProposedTag) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name, "kind": one.kind, "doc": one.doc}
    if one.of:
        row["of"] = Symbol(one.of)
    if one.units:
        row["units"] = list(one.units)
    if one.options:
        row["options"] = [Symbol(name) for name in one.options]
    if one.is_required:
        row["required"] = MARKER
    if one.is_set:
        row["val"] = MARKER
    return row
