"""Entities and histories on a Redis server, shared by any number of processes.

What is changed inside ``locked`` is kept in this process and applied by one
script, so that others see all of it or nothing, and a process that is killed
leaves nothing half done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from django.core.checks import CheckMessage

from ...kinds.series import LARGEST_CHUNK, Chunk
from ..changes import Changes
from ..errors import OutOfScope
from ..priority_array import Level
from ..samples import Batch, Extent
from ..stored import Stored, transient_text
from . import checks, levels, libs, tasks
from .commit import Commit, with_transient
from .consistency import differences
from .entity_commands import filed
from .pending import combined, extent_of, overlaid
from .reindexing import reindex
from .series import cut
from .watches import RedisWatches
from .work import Work

__all__ = ["RedisAdapter"]


class RedisAdapter(RedisWatches):
    """``OPTIONS``: ``url`` (the setting REDIS_URL), ``prefix`` of all keys,
    ``modules``: False uses none of the server's.
    """

    persistent = True
    shared = True

    # -- writing ---------------------------------------------------------------

    @contextmanager
    def locked(self, ids: Sequence[str] | None = None) -> Iterator[None]:
        work = self._work
        if work is not None:
            with self._nested(work, ids):
                yield
            return
        self._local.work = work = Work(self.server, self.keys)
        try:
            work.lease.acquire(ids)
            yield
            kind = self._found()[1].index
            work.apply(kind, lambda moves: filed(self.keys, self._index, moves))
        finally:
            self._local.work = None
            work.lease.release()
        for said, logged in work.pending.said:
            super().announce(said, logged=logged)

    def announce(self, ids: Collection[str], *, logged: bool) -> None:
        """When the work is applied; not at all if it is not."""
        with self._working([]) as work:
            work.pending.said.append((list(ids), logged))

    @contextmanager
    def _nested(self, work: Work, ids: Sequence[str] | None) -> Iterator[None]:
        """A part of it: what fails in here takes nothing else along."""
        before = work.pending.copy()
        work.lease.acquire(ids)
        try:
            yield
        except BaseException:
            work.pending = before
            raise

    @contextmanager
    def _working(self, ids: Sequence[str] | None) -> Iterator[Work]:
        with self.locked(ids):
            assert self._work is not None
            yield self._work

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
        who: str = "",
    ) -> Changes:
        ids = [stored.id for stored in put]
        whole = replace or self.scope is not None
        with (
            self._working(None if whole else [*ids, *remove]) as work,
            self._kept_in_scope(ids),
        ):
            commit = Commit(work, who, self._has_history)
            gone = (
                self._query().visible_ids(remove)
                if self.scope is not None
                else set(remove)
            )
            if replace:
                query = self._query()
                gone.update(
                    id for batch in self._pages() for id in query.visible(batch)
                )
                gone.difference_update(ids)
            commit.put(put)
            commit.remove(sorted(gone))
            self.announce(commit.changes.ids, logged=True)
            return commit.changes

    @contextmanager
    def _kept_in_scope(self, ids: Sequence[str]) -> Iterator[None]:
        """The caller sees all of these before, where they are there, and behind."""
        if self.scope is None:
            yield
            return
        self._refuse(self._fetch(ids).keys() - self._query().visible_ids(ids))
        yield
        self._refuse(self._fetch(ids).keys() - self._query().visible_ids(ids))

    def _refuse(self, hidden: Iterable[str]) -> None:
        for id in sorted(hidden):
            raise OutOfScope(id)

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        patches = {
            id: orjson.loads(transient_text(tags)) for id, tags in changes.items()
        }
        ids = list(patches)
        with self._working(ids) as work, self._kept_in_scope(ids):
            for id, entity in work.fetch(ids).items():
                changed = with_transient(entity, patches[id])
                if changed is not entity:
                    work.put(id, entity, changed)
            self.announce(ids, logged=False)

    # -- history ---------------------------------------------------------------

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        work = self._work
        if work is None or not work.touches(id):
            return self._series.chunks(id, start, end, size)
        dropped = id in work.pending.dropped
        stored = iter(()) if dropped else self._series.samples(id, start, end)
        batch = work.pending.batches.get(id)
        return cut(overlaid(stored, batch, start, end) if batch else stored, size)

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        with self._working(list(batches)) as work:
            return {id: self._store(work, id, batches[id]) for id in batches}

    def _store(self, work: Work, id: str, batch: Batch) -> int:
        pending = work.pending
        whole = combined(pending.batches[id], batch) if id in pending.batches else batch
        before = pending.plans[id].growth if id in pending.plans else 0
        fresh = id in pending.dropped
        found = (self._series.fresh if fresh else self._series.plan)(id, whole)
        pending.batches[id], pending.plans[id] = whole, found
        return found.growth - before

    def his_extent(self, id: str) -> Extent:
        if self._work is None or not self._work.touches(id):
            return self._series.extent(id)
        return extent_of(self.his_chunks(id))

    def _has_history(self, id: str) -> bool:
        return next(iter(self.his_chunks(id)), None) is not None

    # -- priority arrays -------------------------------------------------------

    def levels_of(self, id: str) -> dict[int, Level]:
        work = self._work
        if work is not None:
            return work.levels_of(id)
        return levels.read(self.server, self.keys, id)

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        with self._working([id]) as work:
            array = {n: one for n, one in work.levels_of(id).items() if n != number}
            work.set_levels(id, array if level is None else {**array, number: level})

    def due_points(self, now: dt.datetime) -> list[str]:
        found = levels.due(self.server, self.keys, now)
        arrays = self._work.pending.arrays if self._work else {}
        found -= arrays.keys()
        for id, array in arrays.items():
            if any(one.expires and one.expires <= now for one in array.values()):
                found.add(id)
        return sorted(found)

    # -- tasks -----------------------------------------------------------------

    def take_task(
        self, name: str, holder: str, now: dt.datetime, until: dt.datetime
    ) -> bool:
        with self._working([]) as work:
            return tasks.take(work, name, holder, now, until)

    # -- defs ------------------------------------------------------------------

    def libs_state(self) -> Hashable:
        if self._work is not None and self._work.pending.libs is not None:
            return id(self._work.pending.libs)
        return libs.state(self.server, self.keys)

    def read_libs(self) -> dict[str, list[dict[str, Any]]]:
        if self._work is not None and self._work.pending.libs is not None:
            return dict(self._work.pending.libs)
        return libs.read(self.server, self.keys)

    def store_libs(self, named: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        with self._working(None) as work:
            held = {
                name: defs
                for name, defs in self.read_libs().items()
                if name not in named
            }
            new = {
                name: [dict(entry) for entry in defs] for name, defs in named.items()
            }
            work.pending.libs = held | new

    # -- upkeep ----------------------------------------------------------------

    def differences(self) -> list[str]:
        """What in the store does not fit its entities, a line each.

        Reads only. What differs is looked at again while nobody writes.
        """
        parts = self.server, self.keys, self._index, self._series
        if not list(differences(*parts)):
            return []
        with self.locked():
            return list(differences(*parts))

    def reindex(self) -> int:
        """Make all that can be found out from the entities anew; how many they are.

        The index is of the kind that the server has now.
        """
        return reindex(self.server, self.keys)

    def repair(self) -> int:
        """Reindex: what follows from the entities is the index and references."""
        return self.reindex()

    def check_server(self) -> list[CheckMessage]:
        """What is wrong with the server; asked where databases are asked too."""
        return checks.messages(self.alias, self.server)
