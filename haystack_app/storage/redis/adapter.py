"""Entities and histories on a Redis server, shared by any number of processes.

Changes inside ``locked`` stay in this process and are applied by one script, so that
other processes see all of them or none, and a killed process leaves no partial write.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import orjson
from django.core.checks import CheckMessage

from ...kinds.series import LARGEST_CHUNK, Chunk
from ...redis_replication import RedisReplica, replicas_of
from ...redis_urls import tagged
from ..changeset import Changeset, EntityRow, patched
from ..priority_array import Level
from ..sample_edits import SampleChange, SampleEdit, summaries
from ..samples import Batch, Extent
from ..stored import transient_text
from ..write_log import LevelWrite, WritePage
from . import layout, levels, libs, name_changes, sample_log, tasks
from .entity_commands import store_commands
from .history.merge import combined, extent_of, overlaid
from .history.series import cut
from .layout import stored as stored_layout
from .maintenance import checks
from .maintenance.consistency import Walk, lines
from .maintenance.conversion import convert
from .maintenance.export import StoredKey, exported, is_empty, replaced
from .maintenance.reindex import moved
from .reading import on_the_layout_of_now
from .server import LayoutChanged
from .transaction import Transaction
from .watches import RedisWatches

__all__ = ["RedisAdapter"]


class RedisAdapter(RedisWatches):
    """``OPTIONS``: ``url`` (the setting REDIS_URL), ``prefix`` of all keys,
    ``modules``: False uses no module of the server.
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
        self._local.work = work = Transaction(self.server, self.keys)
        try:
            work.lease.acquire(ids)
            yield
            self._apply(work)
        finally:
            self._local.work = None
            work.lease.release()
        for call in work.pending.calls:
            call()

    def _apply(self, work: Transaction) -> None:
        """Apply a transaction, again if the store was flushed or reindexed before it.

        If that happened during the transaction, its locks are lost: LeaseLost.
        """
        try:
            self._apply_to_layout(work)
        except LayoutChanged:
            self._apply_to_layout(work)

    def _apply_to_layout(self, work: Transaction) -> None:
        _, found, index, series = self._found()
        work.plan_for(series)
        work.apply(found.index, partial(store_commands, self.keys, index))

    def after_commit(self, call: Callable[[], object]) -> None:
        with self._working([]) as work:
            work.pending.calls.append(call)

    @contextmanager
    def _nested(self, work: Transaction, ids: Sequence[str] | None) -> Iterator[None]:
        """A savepoint: if it fails, only its own changes are undone."""
        before = work.pending.copy()
        work.lease.acquire(ids)
        try:
            yield
        except BaseException:
            work.pending = before
            raise

    @contextmanager
    def _working(self, ids: Sequence[str] | None) -> Iterator[Transaction]:
        with self.locked(ids):
            assert self._work is not None
            yield self._work

    def stored_rows(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        return self._fetch(ids)

    def visible_ids(self, ids: Collection[str] | None = None) -> set[str]:
        query = self._query()
        if ids is not None:
            return query.visible_ids(ids)
        return {id for batch in self._pages() for id in query.visible(batch)}

    def committing(
        self, ids: Sequence[str] | None = None
    ) -> AbstractContextManager[None]:
        """Lock all entities: names of any may go into refs of any."""
        return self.locked()

    renamed_at_once = 1_000

    def queue_names(self, ids: Collection[str]) -> None:
        with self._working(None) as work:
            work.pending.commands += name_changes.queued(self.keys, ids)

    @on_the_layout_of_now
    def mend_names(self, limit: int = 500) -> int:
        parts = self.server, self.keys
        if stored_layout(*parts) is None:
            return 0
        name_changes.start(*parts)
        if name_changes.first(*parts) is None:  # the usual case, checked each second
            return 0
        with self._working(None) as work:
            if (change := name_changes.first(*parts)) is None:
                return 0
            id, after = change
            ids = name_changes.referrers(*parts, id, after, limit)
            last = ids[-1] if len(ids) == limit else None
            work.pending.commands.append(name_changes.reached(self.keys, id, last))
            self.write_names(ids, [id] if id else None)
        return max(len(ids), 1)

    def apply(self, changes: Changeset) -> None:
        with self._working([]) as work:
            work.take(changes)

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        patches = {
            id: orjson.loads(transient_text(tags)) for id, tags in changes.items()
        }
        ids = list(patches)
        with self._working(ids) as work, self.check_scope(ids):
            for id, row in work.fetch(ids).items():
                if (after := patched(row, patches[id])) is not row:
                    work.put(id, row, after)
            self.announce(ids, logged=False)

    # -- history ---------------------------------------------------------------

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        return self._limit.each(self._chunks(id, start, end, size), 1)

    def _chunks(
        self, id: str, start: int | None, end: int | None, size: int
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

    def _store(self, work: Transaction, id: str, batch: Batch) -> int:
        pending = work.pending
        whole = combined(pending.batches[id], batch) if id in pending.batches else batch
        before = pending.plans[id].growth if id in pending.plans else 0
        fresh = id in pending.dropped
        work.series = series = self._series
        found = (series.fresh if fresh else series.plan)(id, whole)
        pending.batches[id], pending.plans[id] = whole, found
        return found.growth - before

    def his_extent(self, id: str) -> Extent:
        if self._work is None or not self._work.touches(id):
            return self._series.extent(id)
        return extent_of(self.his_chunks(id))

    def log_edits(self, edits: Sequence[SampleEdit]) -> None:
        with self._working([edit.id for edit in edits]) as work:
            work.pending.commands += (sample_log.logged(self.keys, it) for it in edits)

    def edits_of(self, change: str, limit: int | None = None) -> list[SampleEdit]:
        """Without edits of an open transaction."""
        found = (edit for edit in self._edits() if edit.origin.change == change)
        return list(found)[::-1][:limit]

    def edit_summaries(self, limit: int, id: str | None) -> list[SampleChange]:
        found = (edit for edit in self._edits() if id in (None, edit.id))
        return summaries(found, limit)

    def _edits(self) -> Iterator[SampleEdit]:
        """Edits of points that the caller may see, the newest first."""
        known: dict[str, bool] = {}
        for edit in sample_log.edits(self.server, self.keys):
            if self.scope is not None and edit.id not in known:
                known[edit.id] = self._is_visible(edit.id)
            if self.scope is None or known[edit.id]:
                yield edit

    def prune_edits(self, before: dt.datetime, limit: int = 1_000) -> int:
        """All at once: the server drops whole nodes of the stream."""
        return sample_log.prune(self.server, self.keys, before)

    # -- collection ------------------------------------------------------------

    def postpone(self, due: Mapping[str, dt.datetime | None]) -> None:
        with self._working(list(due)) as work:
            work.pending.commands += sample_log.postponing(self.keys, due)

    def postponed(self, now: dt.datetime, limit: int) -> list[str]:
        """From the stored times, without changes of an open transaction."""
        return sample_log.postponed(self.server, self.keys, now, limit)

    # -- priority arrays -------------------------------------------------------

    def levels_of(self, id: str) -> dict[int, Level]:
        work = self._work
        if work is not None:
            return work.levels_of(id)
        return levels.read(self.server, self.keys, id)

    def with_levels(self, ids: Collection[str]) -> set[str]:
        """One query for all points, for most have no levels."""
        wanted = list(ids)
        stored = levels.with_levels(self.server, self.keys, wanted)
        arrays = self._work.pending.arrays if self._work else {}
        dropped = self._work.pending.dropped if self._work else set()
        stored -= dropped | arrays.keys()
        return stored | {id for id in wanted if arrays.get(id)}

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        with self._working([id]) as work:
            array = {n: one for n, one in work.levels_of(id).items() if n != number}
            work.set_levels(id, array if level is None else {**array, number: level})

    def log_write(self, write: LevelWrite) -> None:
        with self._working([write.id]) as work:
            work.pending.commands.append(levels.logged(self.keys, write))

    def write_log(self, id: str, limit: int) -> list[LevelWrite]:
        """Without entries of an open transaction."""
        return levels.writes(self.server, self.keys, id, limit)

    def writes_since(self, cursor: str | None, limit: int) -> WritePage:
        """Without entries of an open transaction."""
        return levels.since(self.server, self.keys, cursor, limit)

    def older_writes(self, cursor: str | None, limit: int) -> WritePage:
        """Without entries of an open transaction."""
        return levels.older(self.server, self.keys, cursor, limit)

    def prune_writes(self, before: dt.datetime, limit: int = 1_000) -> int:
        """All at once: the server drops whole nodes of the stream."""
        return levels.prune(self.server, self.keys, before)

    def due_points(self, now: dt.datetime) -> list[str]:
        """From stored levels, without changes of an open transaction."""
        return sorted(levels.due(self.server, self.keys, now))

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

    # -- maintenance -----------------------------------------------------------

    @on_the_layout_of_now
    def differences(self) -> list[str]:
        """Derived data that does not match the entities, a line each.

        Changes nothing. Differences are looked at again with their entities locked.
        """
        found = lines((walk := self._walk()).everything())
        self._check_layout(walk)
        return found

    def _walk(self, *, mending: bool = False) -> Walk:
        _, found, index, series = self._found()
        parts = self.server, self.keys, found.index, index, series
        return Walk(*parts, mending=mending)

    def _check_layout(self, walk: Walk) -> None:
        """Raises LayoutChanged if the store was reindexed during a walk."""
        stored = self.server.hget(self.keys.meta, "index")
        if stored is not None and stored.decode() != walk.kind:
            raise self.server.changed("the store was reindexed meanwhile")

    def reindex(self) -> int:
        """Rebuild what is derived from the entities; returns their number.

        The index has the kind that the server supports now. A store of the previous
        version is converted first; see ``maintenance.conversion``.
        """
        self._move()
        walk = self._walk(mending=True)
        deque(walk.entities(), maxlen=0)
        return walk.count

    def _move(self) -> None:
        server = self.server.unguarded()
        convert(server, self.keys)
        try:
            moved(server, self.keys)
        finally:
            self.server.starts += 1  # this process must read the layout again, too

    def repair(self) -> int:
        """Derive all differing data again; returns how many differences there were."""
        self._move()
        walk = self._walk(mending=True)
        faults = list(walk.everything())
        self.name_again()
        for id in sorted(walk.miscounted):
            self.his_recount([id])
        repaired = sum(1 for fault in faults if fault.repair)
        return repaired + len(walk.miscounted)

    def export(self) -> Iterator[StoredKey]:
        """All keys of one moment: writers wait meanwhile. Raises LeaseLost."""
        with self._working(None) as work:
            yield from exported(self.server, self.keys)
            work.lease.check()

    def replace(self, stored: Iterable[StoredKey]) -> int:
        """Replace the content by exported keys, all at once; returns their number.

        Raises redis.exceptions.RedisError; the content is unchanged then.
        """
        count = replaced(self.server.unguarded(), self.keys, stored)
        self.server.starts += 1
        if (found := layout.stored(self.server, self.keys)) is not None:
            layout.record(self.server, self.keys, found)
        return count

    def is_empty(self) -> bool:
        return is_empty(self.server, self.keys)

    def drop(self) -> None:
        """Delete all keys of the store."""
        self.replace(())
        self.server.unlink(self.keys.meta)
        self.server.unlink(self.keys.former_meta)

    def check_server(self) -> list[CheckMessage]:
        """Messages about the server, with Django's checks of databases."""
        return checks.messages(self.alias, self.server, self.keys)

    def server_text(self) -> str:
        return checks.server_text(self.server)

    def server_replicas(self) -> list[RedisReplica] | None:
        return replicas_of(tagged(self.server.url, self.server.tag))
