"""Writing entities: rows, reference edges and the change log.

Inside the caller's transaction, which must hold the lock of all entities.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from ...models import Entity, EntityRef, HisSample, PriorityLevel
from ..changeset import Changeset, EntityRow
from .upserts import Upserts

__all__ = ["apply", "stored_rows"]

_COLUMNS = ("id", "tags", "cur", "mod", "version", "tag_set_id")


def stored_rows(using: str, ids: Sequence[str]) -> dict[str, EntityRow]:
    """Rows of entities, locked against concurrent writers of their samples."""
    rows = Entity.rows.using(using).select_for_update().filter(id__in=ids)
    found = rows.order_by("id").values_list(*_COLUMNS)
    return {row[0]: EntityRow(*row) for row in found}


def apply(using: str, changes: Changeset) -> None:
    """Store one batch of a commit."""
    _upserts(changes).execute(connections[using])
    _remove(using, changes.removed)


def _upserts(changes: Changeset) -> Upserts:
    tagged = [
        (move.after, move.stored)
        for move in changes.moves
        if move.after is not None and move.stored is not None
    ]
    return Upserts(
        {row.tag_set: " ".join(stored.names) for row, stored in tagged},
        [move.after for move in changes.moves if move.after is not None],
        [
            (path, dst, stored.id)
            for _, stored in tagged
            for path, dst in sorted(stored.edges)
        ],
        [move.id for move in changes.moves if move.before and move.stored],
        changes.log,
    )


def _remove(using: str, ids: Sequence[str]) -> None:
    """Delete entities with all that belongs to them."""
    if not ids:
        return
    for owned in (
        HisSample.objects.using(using).filter(point_id__in=ids),
        PriorityLevel.objects.using(using).filter(point_id__in=ids),
        EntityRef.objects.using(using).filter(src_id__in=ids),
        Entity.rows.using(using).filter(id__in=ids),
    ):
        owned._raw_delete(using)
