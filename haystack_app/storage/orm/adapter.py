"""Entities and histories in a database, through Django's ORM.

SQLite, PostgreSQL and TimescaleDB. Filters are compiled to SQL completely;
stored JSON goes to the answer without being decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import orjson
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ... import filters
from ...filters.ast import Filter
from ...kinds.scalars import is_ref_id
from ...kinds.series import Chunk
from ...models import Entity, EntityRef, HisSample, TagSet
from ...models.entity import spliced
from ...wire.record import Record
from ..base import Changes, Records, StorageAdapter
from ..errors import HistoryInUse
from ..samples import Batch, Sample, reinterpreted
from ..stored import Stored, same_tags, tag_set_id
from . import history
from .compiler import compile_filter
from .locks import Lock, lock

__all__ = ["OrmAdapter"]

_BATCH = 1_000
_names_of_set: dict[int, tuple[str, ...]] = {}
"""Tag names by set id; an id means the same names in every database for good."""


class OrmAdapter(StorageAdapter):
    """``OPTIONS``: ``using``, the alias of the database in ``DATABASES``."""

    persistent = True
    shared = True

    def __init__(
        self, alias: str = "default", *, using: str = DEFAULT_DB_ALIAS
    ) -> None:
        super().__init__(alias)
        self.using = using

    @property
    def entities(self) -> QuerySet[Entity]:
        return Entity.objects.using(self.using)

    def matching(self, tree: Filter) -> QuerySet[Entity]:
        """The entities that a filter matches, for any further query."""
        return self.entities.filter(compile_filter(tree))

    def scan(self) -> Iterator[Record]:
        rows = self.entities.order_by("id").values_list("tags", "cur")
        return (Record(spliced(*row)) for row in rows.iterator())

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        tree = filters.parse(filter) if isinstance(filter, str) else filter
        if limit is not None and limit <= 0:
            return Records([], frozenset())
        found = self.matching(tree)[:limit].values_list("tags", "cur", "tag_set_id")
        return self._records(list(found))

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        found: dict[str, Record] = {}
        distinct = [id for id in dict.fromkeys(ids) if is_ref_id(id)]
        for at in range(0, len(distinct), _BATCH):
            rows = self.entities.filter(id__in=distinct[at : at + _BATCH])
            for id, tags, cur in rows.values_list("id", "tags", "cur"):
                found[id] = Record(spliced(tags, cur))
        return [found.get(id) for id in ids]

    def _records(self, rows: list[tuple[str, str, int]]) -> Records:
        names: set[str] = set()
        for names_of_set in self._tag_names({row[2] for row in rows}):
            names.update(names_of_set)
        for cur in {row[1] for row in rows} - {"{}"}:
            names.update(orjson.loads(cur))
        return Records(
            [Record(spliced(tags, cur)) for tags, cur, _ in rows], frozenset(names)
        )

    def _tag_names(self, ids: set[int]) -> Iterator[tuple[str, ...]]:
        if missing := ids - _names_of_set.keys():
            for tag_set in TagSet.objects.using(self.using).filter(id__in=missing):
                _names_of_set[tag_set.id] = tuple(tag_set.names.split(" "))
        return (_names_of_set[id] for id in ids)

    # -- writing --------------------------------------------------------------

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
    ) -> Changes:
        changes = Changes([], [], [], [])
        # one order for every writer: two batches never wait for each other
        ordered = sorted(put, key=lambda stored: stored.id)
        with transaction.atomic(using=self.using):
            lock(connections[self.using], Lock.ENTITIES)
            for at in range(0, len(ordered), _BATCH):
                self._put(ordered[at : at + _BATCH], changes)
            gone = set(remove)
            if replace:
                every = set(self.entities.values_list("id", flat=True))
                gone |= every - {stored.id for stored in put}
            self._remove(sorted(gone), changes)
        return changes

    def _put(self, batch: list[Stored], changes: Changes) -> None:
        ids = [stored.id for stored in batch]
        locked = self.entities.select_for_update().filter(id__in=ids).order_by("id")
        held = {row.id: row for row in locked}
        rows: list[Entity] = []
        moved: list[Stored] = []
        for stored in batch:
            before = held.get(stored.id)
            cur = stored.cur
            modified = True
            if before is None:
                changes.created.append(stored.id)
            else:
                merged = orjson.loads(before.cur) | orjson.loads(stored.cur)
                cur = orjson.dumps(merged).decode()
                modified = not same_tags(before.tags, stored.tags)
                if not modified and same_tags(before.cur, cur):
                    changes.unchanged.append(stored.id)
                    continue
                changes.updated.append(stored.id)
                if modified:
                    self._check_history(before, stored)
            if modified:
                moved.append(stored)
            rows.append(self._row(stored, cur, before, modified))
        self._save(rows, moved)

    def _check_history(self, before: Entity, after: Stored) -> None:
        tag = reinterpreted(orjson.loads(before.tags), orjson.loads(after.tags))
        samples = HisSample.objects.using(self.using)
        if tag and samples.filter(point_id=after.id).exists():
            raise HistoryInUse(after.id, tag)

    def _row(
        self, stored: Stored, cur: str, before: Entity | None, modified: bool
    ) -> Entity:
        return Entity(
            id=stored.id,
            tags=stored.tags,
            cur=cur,
            tag_set_id=tag_set_id(stored.names),
            mod=timezone.now() if modified or before is None else before.mod,
            version=1 if before is None else before.version + 1,
        )

    def _save(self, rows: list[Entity], moved: list[Stored]) -> None:
        sets = {tag_set_id(stored.names): " ".join(stored.names) for stored in moved}
        TagSet.objects.using(self.using).bulk_create(
            [TagSet(id=id, names=names) for id, names in sorted(sets.items())],
            ignore_conflicts=True,
        )
        self.entities.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["tags", "cur", "tag_set", "mod", "version"],
        )
        edges = EntityRef.objects.using(self.using)
        edges.filter(src_id__in=[stored.id for stored in moved])._raw_delete(self.using)
        edges.bulk_create(
            [
                EntityRef(path=path, dst=dst, src_id=stored.id)
                for stored in moved
                for path, dst in sorted(stored.edges)
            ],
            batch_size=5_000,
        )

    def _remove(self, ids: list[str], changes: Changes) -> None:
        if ids:
            lock(connections[self.using], Lock.HISTORY)
        for at in range(0, len(ids), _BATCH):
            batch = ids[at : at + _BATCH]
            known = self.entities.filter(id__in=batch)
            changes.removed.extend(known.order_by("id").values_list("id", flat=True))
            samples = HisSample.objects.using(self.using).filter(point_id__in=batch)
            edges = EntityRef.objects.using(self.using).filter(src_id__in=batch)
            for doomed in (samples, edges, known):
                doomed._raw_delete(self.using)

    # -- history --------------------------------------------------------------

    def his_chunks(
        self, id: str, start: int | None = None, end: int | None = None
    ) -> Iterator[Chunk]:
        return history.chunks(connections[self.using], id, start, end)

    def snapshot(self) -> AbstractContextManager[None]:
        return history.snapshot(connections[self.using])

    def his_write_all(self, samples: Mapping[str, Iterable[Sample]]) -> None:
        with transaction.atomic(using=self.using):
            # no point may go between its check and the writing of its samples
            lock(connections[self.using], Lock.HISTORY, shared=True)
            super().his_write_all(samples)

    def his_store(self, batches: Mapping[str, Batch]) -> None:
        with transaction.atomic(using=self.using):
            for id in sorted(batches):
                history.store(connections[self.using], id, batches[id])

    def check(self) -> list[checks.CheckMessage]:
        if self.using in connections.settings:
            return []
        return [
            checks.Error(
                f"storage {self.alias!r} uses the unknown database {self.using!r}",
                hint="OPTIONS['using'] must be an alias of DATABASES.",
                id="haystack.E002",
            )
        ]
