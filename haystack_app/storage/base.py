"""The storage contract.

A backend writes the primitives (``scan``, ``read_by_ids``, ``commit``,
``his_chunks``, ``his_store``) and gets the rest from here; it overrides what it
can do faster. Every method has an async twin prefixed ``a``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import (
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.core.checks import CheckMessage
from django.db import connections

from .. import filters
from ..filters.ast import And, Compare, Filter, Has, Missing
from ..kinds.scalars import Ref
from ..kinds.series import Chunk, Series, microseconds_of
from ..wire.record import Record
from .errors import UnknownEntity
from .samples import Batch, HisPoint, Sample, checked
from .stored import Stored, stored_forms

__all__ = ["Changes", "Records", "StorageAdapter"]

Tags = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """An answer: records, and the names of all tags that occur in them."""

    rows: Sequence[Record]
    names: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[Record]) -> Records:
        kept = list(rows)
        return cls(kept, frozenset(name for row in kept for name in row))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit did, by ids."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    removed: list[str]


class StorageAdapter:
    """Entities and their histories in one store.

    Flags: ``persistent`` (survives the process), ``shared`` (several processes
    see the same), ``supports_rollup`` (aggregates history itself).
    """

    persistent = False
    shared = False
    supports_rollup = False

    def __init__(self, alias: str = "default") -> None:
        self.alias = alias

    # -- primitives -----------------------------------------------------------

    def scan(self) -> Iterator[Record]:
        """Every record, in order of ids."""
        raise NotImplementedError

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        """A record or None for each id, in the order asked for."""
        raise NotImplementedError

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
    ) -> Changes:
        """Store and remove entities, all of them or none.

        An entity that exists gets the new persistent tags, keeps its history,
        and keeps transient tags that ``put`` does not name. ``replace`` also
        removes every entity that ``put`` lacks. A removed entity's history goes.
        Raises InvalidRecord where history would change its meaning.
        """
        raise NotImplementedError

    def his_chunks(
        self, id: str, start: int | None = None, end: int | None = None
    ) -> Iterator[Chunk]:
        """Samples with start <= time < end (microseconds UTC), in time order."""
        raise NotImplementedError

    def his_store(self, batches: Mapping[str, Batch]) -> None:
        """Write and remove samples of some points, all of them or none."""
        raise NotImplementedError

    def check(self) -> list[CheckMessage]:
        """Messages for Django's system checks."""
        return []

    # -- entities -------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """Facts about the store for the op of that name."""
        return {"storage": type(self).__name__}

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        """Records that match, in no certain order; at most ``limit``."""
        tree = filters.parse(filter) if isinstance(filter, str) else filter
        everything = {record["id"].id: record.tags for record in self.scan()}
        found: list[Record] = []
        for id, tags in everything.items():
            if limit is not None and len(found) >= limit:
                break
            if filters.matches(tree, tags, everything.get):
                found.extend(row for row in self.read_by_ids([id]) if row)
        return Records.of(found)

    def nav(self, id: str | None = None) -> Records:
        """Children in the tree of sites, equips and points.

        The root has the sites, else the equips, else the points; a site its
        equips and the points that are in none of them; an equip its points.
        Raises UnknownEntity.
        """
        if id is None:
            for marker in ("site", "equip", "point"):
                found = self.read(_visible(Has((marker,))))
                if len(found):
                    return found
            return Records.of([])
        parent = self.existing(id)
        if "site" in parent:
            at_site = Compare(("siteRef",), "==", Ref(id))
            equips = filters.And((Has(("equip",)), at_site))
            loose = filters.And((Has(("point",)), at_site, Missing(("equipRef",))))
            return self.read(_visible(filters.Or((equips, loose))))
        if "equip" in parent:
            in_equip = Compare(("equipRef",), "==", Ref(id))
            return self.read(_visible(filters.And((Has(("point",)), in_equip))))
        return Records.of([])

    def existing(self, id: str) -> Record:
        """The record of an id. Raises UnknownEntity."""
        found = self.read_by_ids([id])[0]
        if found is None:
            raise UnknownEntity(id)
        return found

    def load_entities(
        self, records: Iterable[Tags], *, replace: bool = False
    ) -> Changes:
        """Upsert a batch; see ``commit``. Raises InvalidRecord, stores nothing then."""
        return self.commit(stored_forms(records), replace=replace)

    def create(self, record: Tags) -> Record:
        """Upsert one record; without an id it gets a random one."""
        id = record.get("id") or Ref(uuid.uuid4().hex)
        self.load_entities([{**record, "id": id}])
        return self.existing(id.id)

    # -- history --------------------------------------------------------------

    def his_read(
        self,
        id: str,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> Series:
        """Samples with start <= ts < end; the store is read when they are.

        Raises UnknownEntity or NotHistorized.
        """
        return self.his_series(self.his_points([id])[0], start, end)

    def his_points(self, ids: Sequence[str]) -> list[HisPoint]:
        """The points of some ids. Raises UnknownEntity or NotHistorized."""
        points = []
        for id, record in zip(ids, self.read_by_ids(ids), strict=True):
            if record is None:
                raise UnknownEntity(id)
            points.append(HisPoint.of(record))
        return points

    def his_series(
        self, point: HisPoint, start: dt.datetime | None, end: dt.datetime | None
    ) -> Series:
        """Samples of a known point; each reading is one view of the store."""
        first, last = (
            None if at is None else microseconds_of(at) for at in (start, end)
        )

        def read() -> Iterator[Chunk]:
            with self.snapshot():
                yield from self.his_chunks(point.id, first, last)

        return Series(point.tz, point.unit, read)

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see the same state, where the store can do that."""
        return nullcontext()

    def his_write(self, id: str, samples: Iterable[Sample]) -> None:
        """Upsert samples of one point; Remove as a value deletes one."""
        self.his_write_all({id: samples})

    def his_write_all(self, samples: Mapping[str, Iterable[Sample]]) -> None:
        """Upsert samples of some points, all of them or none.

        Raises UnknownEntity, NotHistorized or InvalidSample.
        """
        points = self.his_points(list(samples))
        self.his_store(
            {point.id: checked(point, samples[point.id]) for point in points}
        )

    # -- async twins ----------------------------------------------------------

    async def aabout(self) -> dict[str, Any]:
        return await sync_to_async(self.about)()

    async def aread(self, filter: Filter | str, limit: int | None = None) -> Records:
        return await sync_to_async(self.read)(filter, limit)

    async def aread_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        return await sync_to_async(self.read_by_ids)(ids)

    async def anav(self, id: str | None = None) -> Records:
        return await sync_to_async(self.nav)(id)

    async def aload_entities(
        self, records: Iterable[Tags], *, replace: bool = False
    ) -> Changes:
        return await sync_to_async(self.load_entities)(records, replace=replace)

    async def acreate(self, record: Tags) -> Record:
        return await sync_to_async(self.create)(record)

    async def acommit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
    ) -> Changes:
        return await sync_to_async(self.commit)(put, remove=remove, replace=replace)

    async def ahis_read(
        self,
        id: str,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> AsyncIterator[Chunk]:
        """The chunks of ``his_read``.

        They are fetched in a thread of their own: what other tasks do meanwhile
        must not become part of this one's view of the store.
        """
        series = await sync_to_async(self.his_read)(id, start, end)
        chunks = iter(series.read())
        loop = asyncio.get_running_loop()
        own = ThreadPoolExecutor(max_workers=1)
        try:
            while (
                chunk := await loop.run_in_executor(own, next, chunks, None)
            ) is not None:
                yield chunk
        finally:
            own.submit(_finish, chunks)
            own.shutdown(wait=False)

    async def ahis_write(self, id: str, samples: Iterable[Sample]) -> None:
        await sync_to_async(self.his_write)(id, samples)

    async def ahis_write_all(self, samples: Mapping[str, Iterable[Sample]]) -> None:
        await sync_to_async(self.his_write_all)(samples)


def _finish(chunks: Iterator[Chunk]) -> None:
    """End a reading and give back what its thread holds of databases."""
    if isinstance(chunks, Generator):
        chunks.close()
    connections.close_all()


def _visible(tree: Filter) -> Filter:
    return And((tree, Missing(("trash",))))
