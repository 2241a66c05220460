"""Writing entities: rows, reference edges and the change log.

Inside the caller's transaction, which must hold the lock of all entities.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections
from django.db.models import F

from ...models import Entity, EntityRef, HisSample, PriorityLevel
from ...models.lookups import OneOf
from ..changeset import Changeset, EntityRow
from . import sqlite_index
from .upserts import Upserts

__all__ = ["apply", "new_histories", "stored_rows"]

_COLUMNS = ("id", "tags", "cur", "mod", "version", "tag_set_id", "naming", "search")


def stored_rows(using: str, ids: Sequence[str]) -> dict[str, EntityRow]:
    """Rows of entities, locked against concurrent writers of their samples."""
    rows = Entity.rows.using(using).select_for_update().filter(OneOf(F("id"), ids))
    found = rows.order_by("id").values_list(*_COLUMNS)
    return {row[0]: EntityRow(*row) for row in found}


def apply(using: str, changes: Changeset) -> None:
    """Store one batch of a commit."""
    _upserts(changes).execute(connections[using])
    if connections[using].vendor == "sqlite":
        sqlite_index.update(connections[using], changes.moves)
    _remove(using, changes.removed)


def new_histories(changes: Changeset) -> list[str]:
    """Ids of entities that become points with a history."""
    return [
        move.id
        for move in changes.moves
        if move.stored is not None
        and "his" in move.stored.names
        and (move.before is None or '"his"' not in move.before.tags)
    ]


def _upserts(changes: Changeset) -> Upserts:
    tagged = [
        (move.after, move.stored)
        for move in changes.moves
        if move.after is not None and move.stored is not None
    ]
    return Upserts(
        {row.tag_set: " ".join(stored.names) for row, stored in tagged},
        [move.after for move in changes.moves if move.after is not None],
        frozenset(move.id for move in changes.moves if move.before),
        [(path, dst, it.id) for _, it in tagged for path, dst in it.edges],
        [move.id for move in changes.moves if move.before and move.stored],
        changes.log,
    )


def _remove(using: str, ids: Sequence[str]) -> None:
    """Delete entities with all that belongs to them."""
    if not ids:
        return
    for rows, owner in (
        (HisSample.objects.using(using), "point_id"),
        (PriorityLevel.objects.using(using), "point_id"),
        (EntityRef.objects.using(using), "src_id"),
        (Entity.rows.using(using), "id"),
    ):
        rows.filter(OneOf(F(owner), ids))._raw_delete(using)
