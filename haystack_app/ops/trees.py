"""The ops ``copyTree`` and ``moveTree``: equipment with its points, and the like.

Extensions. Both show with meta ``dryRun`` what they would store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..conf import limit
from ..kinds.grid import Grid
from ..kinds.scalars import REMOVE, Number, is_ref_id
from ..storage.errors import UnknownEntity
from ..storage.subtrees import CONTAINERS, copied, moved, subtree
from ..wire.record import Record
from .arguments import require_ref, require_str
from .registry import Context, OpError, op

__all__: list[str] = []

_SHOWN = 100
"""Entities that a dry run shows."""


@op("copyTree", permission="add_entity", side_effects=True)
def copy_tree(context: Context, request: Grid) -> Grid:
    """Copy the entity of meta ``id`` and all that it contains: one commit.

    Copies have new ids, refs among them lead to the copies, and they have no histories.
    Meta ``dis`` is the name of the copy; ids that begin with that of the entity begin
    with meta ``newId`` in their copies, other ids are random. The rows are the copies,
    with meta ``dryRun`` the first 100 of what would be stored. Meta ``count`` is their
    number.
    """
    meta = request.meta
    id = require_ref(meta.get("id"), "meta id").id
    dis = None if meta.get("dis") is None else require_str(meta["dis"], "meta dis")
    found = subtree(context.storage, id, limit("IDS"))
    rows: list[Any] = copied(found, dis=dis, new_root=_new_id(meta.get("newId")))
    answer_meta = {"count": Number(len(rows))}
    if _is_set(request, "dryRun"):
        return Grid.of(rows[:_SHOWN], meta=answer_meta)
    added = context.storage.add_entities(rows, who=context.username)
    return Grid.of(added, meta=answer_meta)


@op("moveTree", permission="change_entity", side_effects=True)
def move_tree(context: Context, request: Grid) -> Grid:
    """Move the entity of meta ``id`` with all that it contains: one commit.

    The row has its new ``siteRef``, ``spaceRef`` or ``equipRef``; R removes one. All
    that it contains gets the same site, and stays in it. Meta ``count`` is the number
    of entities that change; with meta ``dryRun`` nothing is stored, and the rows are
    the first 100 of them, each with the dicts ``before`` and ``after``.
    """
    id = require_ref(request.meta.get("id"), "meta id").id
    store, refs = context.storage, _refs(request)
    with store.locked():
        _check_targets(context, refs)
        found = subtree(store, id, limit("IDS"))
        rows = moved(found, refs)
        if not _is_set(request, "dryRun"):
            if rows:
                store.update_entities(rows, force=True, who=context.username)
            return Grid(meta={"count": Number(len(rows))})
    by_id = {record["id"].id: record for record in found}
    shown = [_difference(by_id[row["id"].id], row) for row in rows[:_SHOWN]]
    return Grid.of(shown, ["id", "before", "after"], {"count": Number(len(rows))})


def _refs(request: Grid) -> dict[str, Any]:
    """Raises OpError."""
    refs = {name: ref for name, ref in request.first.items() if ref is not None}
    if not refs or refs.keys() - {*CONTAINERS}:
        raise OpError(f"give one row with {', '.join(CONTAINERS)}, or some of them")
    for name, ref in refs.items():
        if ref is not REMOVE:
            require_ref(ref, name)
    return refs


def _check_targets(context: Context, refs: Mapping[str, Any]) -> None:
    """Raises OpError for a ref to what is not such a container."""
    for name, ref in refs.items():
        if ref is REMOVE:
            continue
        marker = name.removesuffix("Ref")
        try:
            target = context.existing(ref.id)
        except UnknownEntity as err:
            raise OpError(f"{name}: {err}") from None
        if marker not in target:
            raise OpError(f"{name}: @{ref.id} is not a {marker}")


def _new_id(ref: Any) -> str | None:
    if ref is None:
        return None
    id = require_ref(ref, "meta newId").id
    if not is_ref_id(id):
        raise OpError(f"meta newId: @{id} is not an id")
    return id


def _difference(record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
    patch = {name: ref for name, ref in row.items() if name != "id"}
    return {
        "id": record["id"],
        "before": {name: record[name] for name in patch if name in record},
        "after": {name: ref for name, ref in patch.items() if ref is not REMOVE},
    }


def _is_set(request: Grid, name: str) -> bool:
    return request.meta.get(name) not in (None, False)
