"""Checks and repairs of data that is derived from entities and histories.

Tag sets and reference edges are derived from persistent tags, facts such as
``hisSize`` and stored folds from samples. Plain SQL and fixtures can leave any of them
out of date. A trigger marks the rows whose tags plain SQL changed; the worker repairs
marked rows.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import connections
from django.utils import timezone

from ...kinds.transient import TRANSIENT
from ...models import Entity, EntityRef, TagSet
from ..changeset import BATCH
from ..commit_names import Naming
from ..errors import StorageError
from ..samples import Extent
from ..stored import (
    Stored,
    edges_of,
    next_mod,
    same_tags,
    stored_form,
    tag_set_id,
    transient_text,
)
from . import (
    facts,
    fold_checks,
    fold_work,
    history_tasks,
    name_changes,
    sqlite_index,
    sqlite_index_check,
)
from .history import snapshot
from .occurrences import OrmOccurrences
from .rows import is_marked, readable_record, unreadable_tags

__all__ = ["OrmConsistency"]

logger = logging.getLogger(__name__)
_MENDED = 100
"""Rows that one transaction of a repair mends, with all other writers locked out."""
_RECOUNT_SECONDS = 0.5
"""After which a step of ``mend_facts`` ends."""
_LEAP_BITS = 32


class OrmConsistency(OrmOccurrences):
    """Consistency of the tables."""

    @property
    def has_term_index(self) -> bool:
        return connections[self.using].vendor == "sqlite"

    # -- marked rows ----------------------------------------------------------

    def mend_marked(self, limit: int = 1_000) -> int:
        marked = self.entities.filter(tag_set_id=Entity.UNKNOWN_SET)
        if not marked.exists():  # the usual case, checked each second
            return 0
        with self.locked():
            rows = list(marked.select_for_update().order_by("id")[:limit])
            if self.has_term_index:
                sqlite_index.forget(connections[self.using], [row.id for row in rows])
            for row in rows:
                self._mend(row)
            self.spread_names([row.id for row in rows])
            self.announce([row.id for row in rows], logged=False)
        return len(rows)

    def _mend(self, row: Entity) -> None:
        """Store a row's tags in canonical form, with their edges and tag set.

        ``mod`` changes, for the tags were changed. ``version`` grows by a random
        number: SQL that replaces rows may give the new ones the versions of the old. A
        row with unreadable tags is only marked as such, so that nothing is lost; a
        system check names them.
        """
        form = _form(row)
        if form is None:
            logger.error(
                "entity @%s has tags that cannot be read, changed by plain SQL: %s",
                row.id,
                ", ".join(unreadable_tags(row.tags, row.cur)) or "its id",
            )
            # refs of readable tags are found by their edges
            record = readable_record(row.id, row.tags, row.cur, row.mod)
            persistent = {it: record[it] for it in record.tags.keys() - TRANSIENT}
            self._save_edges(row.id, edges_of(persistent))
            changes: dict[str, Any] = {"tag_set_id": Entity.UNREADABLE_SET}
        else:
            stored, cur = form
            mod = next_mod(row.mod, timezone.now())
            [stored] = Naming(self, [stored], ()).named([stored], {})
            self._save_derived(row.id, stored)
            changes = {
                "tags": stored.stamped(mod),
                "cur": cur,
                "mod": mod,
                "tag_set_id": tag_set_id(stored.names),
                "search": stored.search,
            }
        rows = self.entities.filter(id=row.id)
        version = row.version + 1 + secrets.randbits(_LEAP_BITS)
        rows.update(version=version, **changes)

    def _save_derived(self, id: str, stored: Stored) -> None:
        names = " ".join(stored.names)
        TagSet.objects.using(self.using).bulk_create(
            [TagSet(id=tag_set_id(stored.names), names=names)], ignore_conflicts=True
        )
        self._save_edges(id, stored.edges)
        if self.has_term_index:
            entity = (id, stored.plain, tag_set_id(stored.names))
            sqlite_index.store(connections[self.using], [entity])

    def _save_edges(self, id: str, edges: Iterable[tuple[str, str]]) -> None:
        rows = EntityRef.objects.using(self.using)
        rows.filter(src_id=id)._raw_delete(self.using)
        rows.bulk_create(
            [EntityRef(path=path, dst=dst, src_id=id) for path, dst in edges]
        )

    # -- names ----------------------------------------------------------------

    keeps_search = True
    renamed_at_once = 1_000

    def queue_names(self, ids: Collection[str]) -> None:
        name_changes.queue(self.using, ids)

    def mend_names(self, limit: int = 500) -> int:
        return name_changes.carry_on(self, limit)

    # -- everything -----------------------------------------------------------

    def differences(self) -> list[str]:
        return [
            *(text for _, text in self._compared()),
            *(
                f"@{id}: references exist, but the entity does not"
                for id in self._strays()
            ),
            *(fault.text for fault in self._index_faults()),
            *(f"@{id}: {text}" for id, _, text in facts.compared(self)),
            *(
                f"@{id}: the stored folds are not those of the history"
                for id in fold_checks.miscounted(self.history_using)
            ),
        ]

    def repair(self) -> int:
        """Repair every entity that differs, and recount its history.

        In short transactions, so that writers wait for none of them long.
        """
        wrong = {id for id, _ in self._compared()}
        for ids in _parts(sorted(wrong)):
            self.entities.filter(id__in=ids).update(tag_set_id=Entity.UNKNOWN_SET)
            while self.mend_marked(_MENDED):
                continue
        for ids in _parts(self._strays()):
            owners = self.entities.values("id")
            strays = EntityRef.objects.using(self.using).filter(src_id__in=ids)
            strays.exclude(src_id__in=owners).delete()
        wrong |= self._mend_index()
        self.name_again()
        sized = ((id, size) for id, size, _ in facts.compared(self))
        for ids in facts.groups(sized):
            self.his_recount(ids)
            fold_work.mark_all(self.history_using, ids)
            wrong.update(ids)
        stale = fold_checks.miscounted(self.history_using)
        fold_work.mark_all(self.history_using, stale)
        return len(wrong.union(stale))

    def match_histories(self) -> int:
        """Of a store in two databases that were restored to states of different times.

        Entities get the facts of their histories, and samples without an entity, which
        was removed between the two, are deleted. Returns the number of such points.
        """
        wrong = {id: size for id, size, _ in facts.compared(self)}
        existing = self.visible_ids(wrong)
        for ids in facts.groups((id, wrong[id]) for id in sorted(existing)):
            self.his_recount(ids)
            fold_work.mark_all(self.history_using, ids)
        gone = history_tasks.of_removals(self.samples, sorted(wrong.keys() - existing))
        history_tasks.remove(self.samples, gone)
        return len(wrong)

    def _mend_index(self) -> set[str]:
        connection, found = connections[self.using], self._index_faults()
        wrong = {id for fault in found for id in fault.ids}
        if found:
            sqlite_index_check.store_names(connection)
        for ids in _parts(sorted(wrong)):
            with self.locked():
                sqlite_index_check.store_again(connection, ids)
        return wrong

    # -- facts of histories ---------------------------------------------------

    def mend_facts(self, after: str, size: int) -> str:
        ids, reached = facts.window(self.using, after, size)
        ends = time.monotonic() + _RECOUNT_SECONDS
        suspects = list(facts.suspects(self, ids))
        for group in facts.groups(suspects):
            self.his_recount(group)
            # drop_chunks calls no trigger
            fold_work.mark_all(self.history_using, group)
            if time.monotonic() > ends and group[-1] != suspects[-1][0]:
                return group[-1]
        return reached

    def his_extents(self, ids: Sequence[str]) -> dict[str, Extent]:
        return facts.extents(self, ids)

    # -- entities -------------------------------------------------------------

    def _compared(self) -> Iterator[tuple[str, str]]:
        """Ids of entities, and what of their derived data does not match them.

        A batch is read from one snapshot, so that writers cause no difference.
        """
        after = ""
        while True:
            with snapshot(connections[self.using]):
                rows = list(self.entities.filter(id__gt=after).order_by("id")[:BATCH])
                edges, sets = self._edges(rows), self._tag_sets(rows)
            for row in rows:
                for text in _faults(row, edges[row.id], sets.get(row.tag_set_id)):
                    yield row.id, text
            if not rows:
                return
            after = rows[-1].id

    def _edges(self, rows: Sequence[Entity]) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {row.id: set() for row in rows}
        held = EntityRef.objects.using(self.using).filter(src_id__in=found)
        for src, path, dst in held.values_list("src_id", "path", "dst"):
            found[src].add((path, dst))
        return found

    def _tag_sets(self, rows: Sequence[Entity]) -> dict[int, str]:
        sets = TagSet.objects.using(self.using)
        found = sets.filter(id__in={row.tag_set_id for row in rows})
        return dict(found.values_list("id", "names"))

    def _strays(self) -> list[str]:
        """Ids with references, but without an entity."""
        owners = self.entities.values("id")
        strays = EntityRef.objects.using(self.using).exclude(src_id__in=owners)
        return list(strays.values_list("src_id", flat=True).distinct().order_by("src"))

    def _index_faults(self) -> list[sqlite_index_check.Fault]:
        if not self.has_term_index:
            return []
        with snapshot(connections[self.using]):
            return list(sqlite_index_check.faults(connections[self.using]))


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _MENDED):
        yield ids[at : at + _MENDED]


def _form(row: Entity) -> tuple[Stored, str] | None:
    """The canonical form of a row, and its transient tags.

    None if a tag cannot be read or the record is invalid.
    """
    if unreadable_tags(row.tags, row.cur):
        return None
    record = readable_record(row.id, row.tags, row.cur, row.mod)
    try:
        stored = stored_form(record)
        cur = transient_text({it: record[it] for it in TRANSIENT if it in record})
    except StorageError:
        return None
    return stored, cur


def _faults(
    row: Entity, edges: set[tuple[str, str]], names: str | None
) -> Iterator[str]:
    """Derived data that does not match a row, which may be marked."""
    if (form := _form(row)) is None:
        tags = ", ".join(unreadable_tags(row.tags, row.cur)) or "id"
        yield f"@{row.id}: tags that cannot be read: {tags}"
        return
    stored, _ = form
    if not same_tags(row.tags, stored.tags):
        yield f"@{row.id}: the tags are not in canonical form"
    if is_marked(row.tag_set_id):
        yield f"@{row.id}: changed by plain SQL and not checked since"
    elif names is None or tuple(names.split(" ")) != stored.names:
        yield f"@{row.id}: the tag set does not match its tags"
    if edges != stored.edges:
        yield f"@{row.id}: the stored references do not match its tags"
