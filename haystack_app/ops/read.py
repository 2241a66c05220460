"""The ops ``read`` and ``nav``, which find entities."""

from __future__ import annotations

from typing import Any

from ..conf import limit
from ..filters import is_trash, without_trash
from ..filters.ast import Filter
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref
from .arguments import require_filter, require_str, row_ids, row_limit
from .registry import Context, OpError, op

__all__: list[str] = []


@op("read", permission="view_entity")
def read(context: Context, request: Grid) -> Grid:
    """Entities by filter and limit, or by the ids of the request's rows.

    By ids the answer has one row per id in the same order, null for an unknown id,
    and no rows if all ids are unknown. Entities in the trash are never included.
    """
    arguments = request.first
    if "filter" in arguments:
        tree = require_filter(arguments["filter"])
        return _by_filter(context, tree, row_limit(arguments.get("limit")))
    if "id" not in request.names:
        raise OpError("missing filter or ids")
    return _by_ids(context, [ref.id for ref in row_ids(request)])


def _by_filter(context: Context, tree: Filter, requested: int | None) -> Grid:
    """All rows, or as many as requested; meta ``incomplete`` if the cap was reached.

    Source: docHaystack HttpApi, incomplete data.
    """
    cap = limit("ROWS")
    if requested is not None and requested <= cap:
        found = context.storage.read(without_trash(tree), requested)
        return Grid.of(found.rows, found.names)
    found = context.storage.read(without_trash(tree), cap + 1)
    if len(found) <= cap:
        return Grid.of(found.rows, found.names)
    cut = {"dis": f"more than {cap} rows match (cap ROWS)", "limit": Number(cap)}
    return Grid.of(found.rows[:cap], found.names, {"incomplete": cut})


def _by_ids(context: Context, ids: list[str]) -> Grid:
    records = context.storage.read_by_ids(ids)
    rows = [{} if row is None or is_trash(row) else row for row in records]
    return Grid.of(rows) if any(rows) else Grid()


@op("nav", permission="view_entity")
def nav(context: Context, request: Grid) -> Grid:
    """Children of ``navId`` in the tree of sites, equips and points.

    Without ``navId`` the roots. The ``navId`` of a row requests its children; points
    have no children.
    """
    parent = request.first.get("navId")
    if isinstance(parent, Ref):
        parent = parent.id
    elif parent is not None:
        # a query string has no null: clients request the roots with `navId=`
        parent = require_str(parent, "navId").removeprefix("@") or None
    found = context.storage.nav(parent)
    rows = [_nav_row(record.tags) for record in found]
    return Grid.of(rows, found.names | {"navId"} if rows else None)


def _nav_row(tags: dict[str, Any]) -> dict[str, Any]:
    has_children = "site" in tags or "equip" in tags
    return {**tags, "navId": Ref(tags["id"].id)} if has_children else tags
