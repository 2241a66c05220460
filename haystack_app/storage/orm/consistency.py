"""Checks and repairs of data that is derived from entities and histories.

Tag sets and reference edges are derived from persistent tags, facts such as
``hisSize`` from samples. Plain SQL and fixtures can leave any of them out of date. A
trigger marks the rows whose tags plain SQL changed; the worker repairs marked rows.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connections
from django.db.models import Count, Max, Min
from django.utils import timezone

from ...kinds.datetimes import DateTime
from ...kinds.scalars import Number
from ...kinds.transient import TRANSIENT
from ...models import Entity, EntityRef, HisSample, TagSet
from ..changeset import BATCH
from ..errors import StorageError
from ..stored import (
    Stored,
    edges_of,
    next_mod,
    same_tags,
    stored_form,
    tag_set_id,
    transient_text,
)
from . import sqlite_index, sqlite_index_check
from .rows import is_marked, readable_record, unreadable_tags
from .watches import OrmWatches

__all__ = ["OrmConsistency"]

logger = logging.getLogger(__name__)
_FACTS = ("hisSize", "hisStart", "hisEnd")
_LEAP_BITS = 32
Facts = tuple[int, dt.datetime | None, dt.datetime | None]


class OrmConsistency(OrmWatches):
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
            self._save_derived(row.id, stored)
            changes = {
                "tags": stored.stamped(mod),
                "cur": cur,
                "mod": mod,
                "tag_set_id": tag_set_id(stored.names),
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

    # -- everything -----------------------------------------------------------

    def differences(self) -> list[str]:
        found = [line for rows in self._batches() for line in self._compared(rows)]
        return [*found, *self._strays(), *self._index_faults(), *self._wrong_facts()]

    def repair(self) -> int:
        """Repair every entity that differs, and recount its history."""
        changed = 0
        for rows in self._batches():
            wrong = [row.id for row in rows if any(self._compared([row]))]
            marks = self.entities.filter(id__in=wrong)
            changed += marks.update(tag_set_id=Entity.UNKNOWN_SET)
        while self.mend_marked(BATCH):
            continue
        owners = self.entities.values("id")
        EntityRef.objects.using(self.using).exclude(src_id__in=owners).delete()
        if faults := self._index_faults():
            with self.locked():
                sqlite_index_check.rebuild(connections[self.using])
            changed += len(faults)
        for id in self._miscounted():
            self.his_recount(id)
            changed += 1
        return changed

    def _batches(self) -> Iterator[list[Entity]]:
        after = ""
        while rows := list(self.entities.filter(id__gt=after).order_by("id")[:BATCH]):
            yield rows
            after = rows[-1].id

    def _compared(self, rows: Sequence[Entity]) -> Iterator[str]:
        ids = [row.id for row in rows]
        edges: dict[str, set[tuple[str, str]]] = {id: set() for id in ids}
        held = EntityRef.objects.using(self.using).filter(src_id__in=ids)
        for src, path, dst in held.values_list("src_id", "path", "dst"):
            edges[src].add((path, dst))
        known = dict(
            TagSet.objects.using(self.using)
            .filter(id__in={row.tag_set_id for row in rows})
            .values_list("id", "names")
        )
        for row in rows:
            yield from _faults(row, edges[row.id], known.get(row.tag_set_id))

    def _strays(self) -> Iterator[str]:
        owners = self.entities.values("id")
        strays = EntityRef.objects.using(self.using).exclude(src_id__in=owners)
        for src in strays.values_list("src_id", flat=True).distinct().order_by("src"):
            yield f"@{src}: references exist, but the entity does not"

    def _index_faults(self) -> list[str]:
        if not self.has_term_index:
            return []
        return list(sqlite_index_check.faults(connections[self.using]))

    def _miscounted(self) -> list[str]:
        """Ids of entities whose facts do not match their samples."""
        return [
            id for id, found, stored in self._counts() if stored not in (None, found)
        ]

    def _wrong_facts(self) -> Iterator[str]:
        for id, found, stored in self._counts():
            if stored is None:
                yield f"@{id}: samples exist, but the entity does not"
            elif found[0] != stored[0]:
                yield (
                    f"@{id}: hisSize is {stored[0]}, the history has {found[0]} samples"
                )
            elif found != stored:
                yield f"@{id}: hisStart or hisEnd is not that of the history"

    def _counts(self) -> Iterator[tuple[str, Facts, Facts | None]]:
        """Id, counted facts and stored facts of every entity and history."""
        samples = HisSample.objects.using(self.using).order_by()
        ends = samples.values_list("point_id").annotate(
            Count("ts"), Min("ts"), Max("ts")
        )
        counted: dict[str, Facts] = {
            id: (size, first, last) for id, size, first, last in ends
        }
        for rows in self._batches():
            for row in rows:
                yield row.id, counted.pop(row.id, (0, None, None)), _facts_of(row)
        for id in sorted(counted):
            yield id, counted[id], None


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


def _facts_of(row: Entity) -> Facts:
    """Size and ends of the history according to the row's tags."""
    record = readable_record(row.id, row.tags, row.cur, row.mod)
    size, start, end = (record.get(name) for name in _FACTS)
    return (
        int(size.val) if isinstance(size, Number) else 0,
        start.utc if isinstance(start, DateTime) else None,
        end.utc if isinstance(end, DateTime) else None,
    )
