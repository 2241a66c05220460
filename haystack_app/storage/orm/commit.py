"""Writing entities: rows, reference edges and the change log.

Inside the caller's transaction, which must hold the lock of all entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...models import Change, Entity, EntityRef, HisSample, PriorityLevel, TagSet
from .. import changes as log
from ..changeset import Changeset, EntityRow, Move
from ..stored import Stored

__all__ = ["apply", "stored_rows"]

_COLUMNS = ("id", "tags", "cur", "mod", "version", "tag_set_id")


def stored_rows(using: str, ids: Sequence[str]) -> dict[str, EntityRow]:
    """Rows of entities, locked against concurrent writers of their samples."""
    rows = Entity.rows.using(using).select_for_update().filter(id__in=ids)
    found = rows.order_by("id").values_list(*_COLUMNS)
    return {row[0]: EntityRow(*row) for row in found}


def apply(using: str, changes: Changeset) -> None:
    """Store one batch of a commit."""
    _save(using, [move for move in changes.moves if move.after is not None])
    _remove(using, changes.removed)
    _log(using, changes.log)


def _save(using: str, moves: Sequence[Move]) -> None:
    tagged = [move.stored for move in moves if move.stored is not None]
    sets = {
        move.after.tag_set: " ".join(move.stored.names)
        for move in moves
        if move.stored is not None and move.after is not None
    }
    TagSet.objects.using(using).bulk_create(
        [TagSet(id=id, names=names) for id, names in sorted(sets.items())],
        ignore_conflicts=True,
    )
    Entity.rows.using(using).bulk_create(
        [_entity(move.after) for move in moves if move.after is not None],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["tags", "cur", "tag_set", "mod", "version"],
    )
    _save_edges(using, tagged, [move.id for move in moves if move.before is not None])


def _entity(row: EntityRow) -> Entity:
    return Entity(
        id=row.id,
        tags=row.tags,
        cur=row.cur,
        tag_set_id=row.tag_set,
        mod=row.mod,
        version=row.version,
    )


def _save_edges(using: str, tagged: Sequence[Stored], former: Sequence[str]) -> None:
    """Insert edges, and delete the old ones of ``former`` entities."""
    edges = EntityRef.objects.using(using)
    ids = {stored.id for stored in tagged}.intersection(former)
    if ids:
        edges.filter(src_id__in=sorted(ids))._raw_delete(using)
    edges.bulk_create(
        [
            EntityRef(path=path, dst=dst, src_id=stored.id)
            for stored in tagged
            for path, dst in sorted(stored.edges)
        ],
        batch_size=5_000,
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


def _log(using: str, entries: Iterable[log.Change]) -> None:
    Change.objects.using(using).bulk_create(
        [
            Change(
                at=entry.at,
                who=entry.who,
                entity_id=entry.id,
                kind=entry.kind,
                before=entry.before.raw,
                after=entry.after.raw,
            )
            for entry in entries
        ]
    )
