"""The ops ``read`` and ``nav``, which find entities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from ..conf import limit
from ..filters import is_trash, without_trash
from ..filters.ast import Filter
from ..filters.ordering import By
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref, is_tag_name
from ..storage.base import Records
from ..storage.search import EVERYTHING
from ..wire.record import Record, spliced
from ..wire.zinc_writer import display_text
from .arguments import require_filter, require_str, row_ids, row_limit, wants
from .registry import Context, OpError, op

__all__ = ["by_filter"]

_MOST_TAGS = 8
"""In one order; each costs a database six expressions."""
_MOST_FIELDS = 100


def read_revisions(context: Context, request: Grid) -> Sequence[str] | None:
    """Of an answer by filter that is not cut off; of others the rows are as cheap."""
    arguments = request.first
    if "filter" not in arguments or {"search", "sort", "count"} & arguments.keys():
        return None
    tree = require_filter(arguments["filter"])
    requested, cap = row_limit(arguments.get("limit")), limit("ROWS")
    if requested is not None and requested <= cap:
        return context.storage.revisions(without_trash(tree), requested)
    found = context.storage.revisions(without_trash(tree), cap + 1)
    return None if found is None or len(found) > cap else found


@op(
    "read",
    permission="view_entity",
    replicated=True,
    revisions=read_revisions,
    download="records",
    arguments={
        "filter": "a Haystack filter, such as `site and area > 100m²`",
        "search": "words of names instead, or beside the filter",
        "id": "an entity instead, such as `@hq`",
        "limit": "entities at most",
        "sort": "names of tags with commas, `-` before one for descending order",
        "count": "`true` for the number of entities instead of them",
        "fields": "names of tags with commas: the columns, after `id`",
    },
)
def read(context: Context, request: Grid) -> Grid:
    """Entities by filter or words, with a limit, or by the ids of the request's rows.

    ``search`` finds entities that have every word of a text in dis, navName or id, or
    in the names of their site and equip; a ``filter`` beside it must match, too.
    By ids the answer has one row per id in the same order, null for an unknown id,
    and no rows if all ids are unknown. Entities in the trash are never included.
    With a filter, ``sort`` names tags, with ``-`` for descending order, and ``count``
    asks for the number of entities instead. ``fields`` names the tags of the answer.
    """
    fields = _fields(request.first.get("fields"))
    found = _found(context, request)
    return found if fields is None else _with_columns(found, fields)


def _found(context: Context, request: Grid) -> Grid:
    arguments = request.first
    order = _order(arguments.get("sort"))
    is_count = wants(arguments.get("count"), "count")
    if arguments.get("search") is not None:
        if order or is_count:
            raise OpError(f"{'sort' if order else 'count'} needs a filter, not search")
        return _by_words(context, arguments)
    if "filter" in arguments:
        tree = require_filter(arguments["filter"])
        most = row_limit(arguments.get("limit"))
        if not is_count:
            return by_filter(context, tree, most, order)
        if order or arguments.get("limit") is not None:
            raise OpError("count is that of all entities: give no limit and no sort")
        return _count(context, tree)
    if order or is_count:
        raise OpError(f"{'sort' if order else 'count'} needs a filter")
    if "id" not in request.names:
        raise OpError("missing filter or ids")
    return _by_ids(context, [ref.id for ref in row_ids(request)])


def _fields(value: Any) -> list[str] | None:
    """The argument ``fields``: ``id`` and the tags that are named. Raises OpError."""
    if value is None:
        return None
    names = [word.strip() for word in require_str(value, "fields").split(",")]
    for name in names:
        if not is_tag_name(name):
            raise OpError(
                "fields must be names of tags with commas, such as dis,siteRef, not"
                f" {display_text(value)}"
            )
    if len(names) > _MOST_FIELDS:
        raise OpError(f"fields names {len(names)} tags, at most {_MOST_FIELDS}")
    return list(dict.fromkeys(["id", *names]))


def _with_columns(found: Grid, names: Sequence[str]) -> Grid:
    """The same rows with these columns only, in this order."""
    if found.is_error or "id" not in found.names:  # a count
        return found
    rows: Any = found.rows
    if isinstance(rows, Records):
        picked = [_picked(record, names) for record in rows]
        rows = Records(picked, frozenset(names), rows.revisions)
    else:
        rows = [{name: row[name] for name in names if name in row} for row in rows]
    return Grid([Col(name) for name in names], rows, found.meta)


def _picked(record: Record, names: Sequence[str]) -> Record:
    tags = record.json
    return Record(orjson.dumps({it: tags[it] for it in names if it in tags}).decode())


def by_filter(
    context: Context, tree: Filter, requested: int | None, order: Sequence[By] = ()
) -> Grid:
    """The entities that match a filter, in an order if there is one."""
    store, shown = context.storage, without_trash(tree)
    if order:
        return _capped(partial(store.read_in_order, shown, order), requested)
    return _capped(partial(store.read, shown), requested)


def _by_words(context: Context, arguments: Mapping[str, Any]) -> Grid:
    text = require_str(arguments["search"], "search")
    tree: Filter = EVERYTHING
    if arguments.get("filter") is not None:
        tree = require_filter(arguments["filter"])
    search = context.storage.search
    return _capped(
        lambda most: search(text, without_trash(tree), limit=most),
        row_limit(arguments.get("limit")),
    )


def _capped(find: Callable[[int], Records], requested: int | None) -> Grid:
    """All rows, or as many as requested; meta ``incomplete`` if the cap was reached.

    Source: docHaystack HttpApi, incomplete data.
    """
    cap = limit("ROWS")
    if requested is not None and requested <= cap:
        rows = find(requested)
        return Grid.of(rows, rows.names)
    rows = find(cap + 1)
    if len(rows) <= cap:
        return Grid.of(rows, rows.names)
    cut = {"dis": f"more than {cap} rows match (cap ROWS)", "limit": Number(cap)}
    return Grid.of(rows[:cap], rows.names, {"incomplete": cut})


def _count(context: Context, tree: Filter) -> Grid:
    number = context.storage.count(without_trash(tree))
    return Grid.of([{"count": Number(number)}])


def _order(value: Any) -> tuple[By, ...]:
    """The argument ``sort``. Raises OpError."""
    if value is None:
        return ()
    words = [word.strip() for word in require_str(value, "sort").split(",")]
    order = [By(word.removeprefix("-"), word.startswith("-")) for word in words]
    for name, _ in order:
        if not is_tag_name(name):
            raise OpError(
                "sort must be names of tags with commas, such as siteRef,-area, not"
                f" {display_text(value)}"
            )
    if len({name for name, _ in order}) < len(order):
        raise OpError("sort names a tag twice")
    if len(order) > _MOST_TAGS:
        raise OpError(f"sort names {len(order)} tags, at most {_MOST_TAGS}")
    return tuple(order)


def _by_ids(context: Context, ids: list[str]) -> Grid:
    records = context.storage.read_by_ids(ids)
    rows = [{} if row is None or is_trash(row) else row for row in records]
    return Grid.of(rows) if any(rows) else Grid()


def nav_revisions(context: Context, request: Grid) -> Sequence[str] | None:
    return context.storage.nav_revisions(_nav_id(request))


@op(
    "nav",
    permission="view_entity",
    replicated=True,
    revisions=nav_revisions,
    download="nav",
    arguments={"navId": "of a row of an answer; without it, the roots"},
)
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
    if '"site":' not in raw and '"equip":' not in raw:
        return record
    tags = record.json
    if "site" not in tags and "equip" not in tags:
        return record
    if tags.pop("navId", None):
        raw = orjson.dumps(tags).decode()
    ref = {"_kind": "ref", "val": tags["id"]["val"]}
    return Record(spliced(raw, orjson.dumps({"navId": ref}).decode()))
