"""The ops ``read`` and ``nav``, which find entities."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..conf import limit
from ..filters import is_trash, without_trash
from ..filters.ast import Filter
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref
from ..storage.base import Records
from ..wire.record import Record, spliced
from .arguments import require_filter, require_str, row_ids, row_limit
from .registry import Context, OpError, op

__all__: list[str] = []


def read_revisions(context: Context, request: Grid) -> Sequence[str] | None:
    """Of an answer by filter that is not cut off; of others the rows are as cheap."""
    arguments = request.first
    if "filter" not in arguments:
        return None
    tree = require_filter(arguments["filter"])
    requested, cap = row_limit(arguments.get("limit")), limit("ROWS")
    if requested is not None and requested <= cap:
        return context.storage.revisions(without_trash(tree), requested)
    found = context.storage.revisions(without_trash(tree), cap + 1)
    return None if found is None or len(found) > cap else found


@op("read", permission="view_entity", revisions=read_revisions)
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
        return Grid.of(found, found.names)
    found = context.storage.read(without_trash(tree), cap + 1)
    if len(found) <= cap:
        return Grid.of(found, found.names)
    cut = {"dis": f"more than {cap} rows match (cap ROWS)", "limit": Number(cap)}
    return Grid.of(found[:cap], found.names, {"incomplete": cut})


def _by_ids(context: Context, ids: list[str]) -> Grid:
    records = context.storage.read_by_ids(ids)
    rows = [{} if row is None or is_trash(row) else row for row in records]
    return Grid.of(rows) if any(rows) else Grid()


def nav_revisions(context: Context, request: Grid) -> Sequence[str] | None:
    return context.storage.nav_revisions(_nav_id(request))


@op("nav", permission="view_entity", revisions=nav_revisions)
def nav(context: Context, request: Grid) -> Grid:
    """Children of ``navId`` in the tree of sites, equips and points.

    Without ``navId`` the roots. The ``navId`` of a row requests its children; points
    have no children.
    """
    found = context.storage.nav(_nav_id(request))
    names = found.names | {"navId"} if found else frozenset()
    rows = Records([_nav_row(record) for record in found], names, found.revisions)
    return Grid.of(rows, names)


def _nav_id(request: Grid) -> str | None:
    parent = request.first.get("navId")
    if parent is None:
        return None
    if isinstance(parent, Ref):
        return parent.id
    # a query string has no null: clients request the roots with `navId=`
    return require_str(parent, "navId").removeprefix("@") or None


def _nav_row(record: Record) -> Record:
    """The record, with a ``navId`` if it has children; its JSON is not encoded again.

    Most are points, in whose text no tag of the others occurs.
    """
    raw = record.raw
    if '"site"' not in raw and '"equip"' not in raw:
        return record
    tags = record.json
    if "site" not in tags and "equip" not in tags:
        return record
    if tags.pop("navId", None):
        raw = orjson.dumps(tags).decode()
    ref = {"_kind": "ref", "val": tags["id"]["val"]}
    return Record(spliced(raw, orjson.dumps({"navId": ref}).decode()))
