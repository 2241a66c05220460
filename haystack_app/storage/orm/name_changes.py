"""The queue of names that are still to be written into the refs to their entities.

A commit that changes the name of an entity with many referrers adds to it, as do plain
SQL that deletes an entity, and the migration, for all entities of its time.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...models import EntityRef, NameChange

if TYPE_CHECKING:
    from .consistency import OrmConsistency

__all__ = ["carry_on", "queue"]


def queue(using: str, ids: Collection[str]) -> None:
    """In the transaction of the change; a name that is queued already begins anew."""
    NameChange.objects.using(using).bulk_create(
        [NameChange(id=id, after="") for id in sorted(ids)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["after"],
    )


def carry_on(store: OrmConsistency, limit: int) -> int:
    """One transaction: names in up to ``limit`` entities, of which it returns the
    number; 0 if the queue is empty."""
    changes = NameChange.objects.using(store.using).order_by("id")
    if not changes.exists():  # the usual case, checked each second
        return 0
    with store.locked():
        if (change := changes.first()) is None:
            return 0
        ids = _referrers(store, change, limit)
        of = [change.id] if change.id else None
        if len(ids) < limit:
            change.delete(using=store.using)
        else:
            change.after = ids[-1]
            change.save(using=store.using)
        store.write_names(ids, of)  # which may queue the same name again
    return max(len(ids), 1)


def _referrers(store: OrmConsistency, change: NameChange, limit: int) -> list[str]:
    if not change.id:
        rows = store.entities.filter(id__gt=change.after).order_by("id")
        return list(rows.values_list("id", flat=True)[:limit])
    edges = EntityRef.objects.using(store.using).filter(dst=change.id)
    after = edges.filter(src_id__gt=change.after).order_by("src_id")
    return list(after.values_list("src_id", flat=True).distinct()[:limit])
