"""Ops that find entities: read, nav."""

from __future__ import annotations

from typing import Any

from ..conf import limit
from ..filters import is_trash, without_trash
from ..filters.ast import Filter
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref
from .arguments import filter_of, limit_of, refs_of, text_of
from .registry import Context, OpError, op

__all__: list[str] = []


@op("read", permission="view_entity")
def read(context: Context, request: Grid) -> Grid:
    """Entities by filter and limit, or by the ids of the request's rows.

    By ids the answer has a row for each, in their order, null for an unknown
    one; no row at all when every id is unknown. Trash is never shown.
    """
    arguments = request.first
    if "filter" in arguments:
        tree = filter_of(arguments["filter"])
        return _by_filter(context, tree, limit_of(arguments.get("limit")))
    if "id" not in request.names:
        raise OpError("read needs a filter or ids")
    return _by_ids(context, [ref.id for ref in refs_of(request)])


def _by_filter(context: Context, tree: Filter, asked: int | None) -> Grid:
    """All rows, or those asked for; what a cap cuts off is said in the meta.

    Source: docHaystack HttpApi, incomplete data.
    """
    most = limit("ROWS")
    if asked is not None and asked <= most:
        found = context.storage.read(without_trash(tree), asked)
        return Grid.of(found.rows, found.names)
    found = context.storage.read(without_trash(tree), most + 1)
    if len(found) <= most:
        return Grid.of(found.rows, found.names)
    cut = {"dis": f"more than {most} rows match (cap ROWS)", "limit": Number(most)}
    return Grid.of(found.rows[:most], found.names, {"incomplete": cut})


def _by_ids(context: Context, ids: list[str]) -> Grid:
    records = context.storage.read_by_ids(ids)
    rows = [{} if row is None or is_trash(row) else row for row in records]
    return Grid.of(rows) if any(rows) else Grid()


@op("nav", permission="view_entity")
def nav(context: Context, request: Grid) -> Grid:
    """Children of ``navId`` in the tree of sites, equips and points.

    Without navId the roots. A row's own navId asks for its children in turn; a
    point has none.
    """
    parent = request.first.get("navId")
    if isinstance(parent, Ref):
        parent = parent.id
    elif parent is not None:
        # a query string has no null: `navId=` is how clients ask for the roots
        parent = text_of(parent, "navId").removeprefix("@") or None
    found = context.storage.nav(parent)
    rows = [_nav_row(record.tags) for record in found]
    return Grid.of(rows, found.names | {"navId"} if rows else None)


def _nav_row(tags: dict[str, Any]) -> dict[str, Any]:
    has_children = "site" in tags or "equip" in tags
    return {**tags, "navId": Ref(tags["id"].id)} if has_children else tags
