"""The primitives that a storage backend implements; mixins build the rest on them."""

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
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from itertools import islice
from typing import Any, Self

from django.core.checks import CheckMessage

from ..filters.ast import Filter
from ..filters.guards import UNGUARDED, Guard
from ..kinds.series import LARGEST_CHUNK, Chunk
from ..redis_replication import RedisReplica
from ..wire.record import Record
from . import signals
from .changes import Change, ChangePage
from .changeset import Changeset, EntityRow
from .errors import UnknownEntity
from .priority_array import Level
from .sample_edits import SampleChange, SampleEdit
from .samples import FIRST_TIME, Batch, Extent, HisPoint
from .watch_types import Watch, WatchItem
from .write_log import LevelWrite, WritePage

__all__ = ["StorageBackend"]

_RUN = 3_600_000_000
"""Microseconds between samples that are read together."""
_SHORTEST_SPAN = 3_600_000_000
"""Microseconds that a search for an older sample begins with."""


class StorageBackend:
    """Entities, histories, priority arrays, watches and defs of one store.

    Flags: ``persistent`` (survives the process), ``shared`` (several processes
    see the same), ``changed_by_sql`` (other programs may change its samples),
    ``supports_rollup`` (aggregates history itself), ``supports_policies`` (keeps
    roll-ups of samples that are dropped), ``splits_commits`` and ``splits_samples``
    (other writers would wait for a large request, which is stored in parts).
    """

    persistent = False
    shared = False
    changed_by_sql = False
    supports_rollup = False
    supports_policies = False
    splits_commits = False
    splits_samples = False

    def __init__(self, alias: str = "default") -> None:
        self.alias = alias

    @property
    def database(self) -> str | None:
        """The alias of the store's database in ``DATABASES``, if it is in one."""
        return None

    def in_replica(self, using: str) -> Self:
        """The same store as a replica of its database has it, only to be read."""
        return self

    scope: Filter | None = None
    """Filter of the entities that the caller may see; None means all of them."""

    @staticmethod
    def guard() -> Guard:
        """What a caller with a scope may set, by the filters of all groups."""
        return UNGUARDED

    def visible_to(
        self, scope: Filter | None, guard: Callable[[], Guard] | None = None
    ) -> Self:
        """The same store, restricted to entities that match the scope.

        Other entities do not exist for the caller: neither in results, counts and
        errors, nor for the paths of filters. The scope's own paths run through all
        entities. Writing outside the scope raises OutOfScope, as does adding a ref to
        an entity that the caller does not see, or a value that the guard refuses;
        ``guard`` is called once for each write.
        """
        view = copy(self)
        view.scope = scope
        if guard is not None:
            view.guard = guard  # type: ignore[method-assign]
        return view

    def check(self) -> list[CheckMessage]:
        """Messages for Django's system checks."""
        return []

    def check_server(self) -> list[CheckMessage]:
        """Messages of checks that need a connection to the store's server."""
        return []

    def server_text(self) -> str:
        """The server of the store, for people; empty if it has none of its own."""
        return ""

    def server_replicas(self) -> list[RedisReplica] | None:
        """Replicas of the server of the store; None if it is not to have any."""
        return None

    def try_write(self, name: str, now: dt.datetime) -> None:
        """Write a little, under the name of a task; fails where writes would."""
        self.take_task(name, "", now, now)

    # -- entities -------------------------------------------------------------

    def scan(self) -> Iterator[Record]:
        """Every record, in order of ids."""
        raise NotImplementedError

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        """A record or None for each id, in the given order."""
        raise NotImplementedError

    def existing(self, id: str) -> Record:
        """The record of an id. Raises UnknownEntity."""
        found = self.read_by_ids([id])[0]
        if found is None:
            raise UnknownEntity(id)
        return found

    def revisions(
        self, filter: Filter, limit: int | None = None
    ) -> Sequence[str] | None:
        """``Records.revisions`` of what ``read`` would return, in undefined order.

        None if the store does not know them, or not for less than reading.
        """
        return None

    def page_revisions(
        self, filter: Filter, after: str, size: int
    ) -> Sequence[str] | None:
        """The same for ``page``."""
        return None

    def locked(self, ids: Sequence[str] | None = None) -> AbstractContextManager[None]:
        """Lock entities against other writers until the block ends; None means all.

        The block is a transaction: its changes, by any number of calls, are committed
        at its end, or rolled back if it raises. An inner block that raises rolls back
        its own changes only. Others see no change before the commit. The caller sees
        its own changes of entities, samples, levels and libraries, by ids and by
        filters; entries of the change log have no cursor before the commit.
        """
        raise NotImplementedError

    def committing(
        self, ids: Sequence[str] | None = None
    ) -> AbstractContextManager[None]:
        """``locked`` for the entities that a commit changes; None means all."""
        return self.locked(ids)

    def let_others_write(self) -> None:
        """Called between two of many transactions that follow each other.

        A store whose lock has no queue waits here for other writers.
        """

    def stored_rows(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        """Rows of the entities that exist, in any scope, by id; up to ``BATCH`` ids.

        The caller must hold the lock of these entities, and changes them next.
        """
        raise NotImplementedError

    def visible_ids(self, ids: Collection[str] | None = None) -> set[str]:
        """Those of the ids whose entities exist for the caller; None means all."""
        raise NotImplementedError

    def apply(self, changes: Changeset) -> None:
        """Store one batch of a commit: entities, what belongs to them, and the log.

        The caller must be inside ``committing`` for the entities. The history and
        priority array of a removed entity are deleted.
        """
        raise NotImplementedError

    renamed_at_once = 10**9
    """Referrers that get a changed name in the transaction of the change.

    A store that sets a smaller number implements ``queue_names`` and ``mend_names``.
    """

    def queue_names(self, ids: Collection[str]) -> None:
        """Write the names of entities into the refs to them after the transaction."""
        raise NotImplementedError

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Set transient tags of entities by id; the value None removes a tag.

        The caller must hold the lock of these entities. Neither ``mod`` nor the
        change log is touched. Unknown ids are ignored. Raises OutOfScope.
        """
        raise NotImplementedError

    def announce(self, ids: Collection[str], *, logged: bool) -> None:
        """Send ``entities_changed`` for these entities after the commit.

        ``logged``: whether the change log grew. ``commit`` calls this, and
        implementations of ``set_transient`` must.
        """
        if ids:
            held = list(ids)
            self.after_commit(lambda: signals.announce(self.alias, held, logged=logged))

    def after_commit(self, call: Callable[[], object]) -> None:
        """Call a function after the commit of the outermost ``locked``.

        It is not called if the block raises. ``call`` must not raise. A store without
        transactions, which other packages may have, calls it at once.
        """
        call()

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        """Changes of an entity, the newest first.

        With a scope, changes of earlier entities with the same id are left out.
        """
        raise NotImplementedError

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        """Entries of the change log after a cursor, in the order of the commits.

        ``cursor`` is that of the previous page; None is the current end of the log.
        ``limit`` is 1 or more. Callers that read page by page get each entry exactly
        once, also with concurrent writers. Raises CursorExpired if entries after the
        cursor were pruned, or if the log ends before it. A scope has no effect: the
        log is for callers that may see everything.
        """
        raise NotImplementedError

    def changed_since(self, ids: Sequence[str], cursor: int) -> set[str]:
        """Those of the entities with entries of the change log after a cursor.

        A scope has no effect.
        """
        everything = self.visible_to(None)
        newest = (change for id in ids for change in everything.changes_of(id, 1))
        # an entry of an open transaction may have no cursor
        return {one.id for one in newest if (one.cursor or cursor + 1) > cursor}

    def logged_commit(self, cursor: int, limit: int | None = None) -> list[Change]:
        """The entries of the commit that the entry at a cursor belongs to, in order.

        The first of them up to ``limit``; None means all. Empty if there is no such
        entry. A scope has no effect.
        """
        raise NotImplementedError

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        """Delete entries older than ``before`` from the beginning of the change log.

        Returns how many, at most ``limit``. Stops at the first entry that is not
        older, so that the remaining log has no gaps.
        """
        raise NotImplementedError

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        """Sorted ids of up to ``limit`` other entities that refer to one of these."""
        raise NotImplementedError

    # -- consistency ----------------------------------------------------------

    def mend_marked(self, limit: int = 1_000) -> int:
        """Update what is derived from tags that plain SQL changed.

        Returns the number of entities that were checked, at most ``limit``.
        """
        return 0

    def mend_names(self, limit: int = 500) -> int:
        """Write queued names into up to ``limit`` referrers, of which it returns the
        number."""
        return 0

    def mend_histories(self, limit: int = 500) -> int:
        """Finish what processes have left that ended between the commit of samples and
        that of their points, of up to ``limit`` points; returns how many.

        For stores with two databases. May be repeated, beside writers.
        """
        return 0

    def mend_facts(self, after: str, size: int) -> str:
        """Update ``hisSize`` and the like of histories that plain SQL changed.

        Looks at the ends of the histories of up to ``size`` entities after an id;
        samples that were changed between them are left to ``repair``. Returns the id
        to go on after; empty after the last entity. Takes at most about a second.
        """
        return ""

    def differences(self) -> list[str]:
        """Derived data that does not match entities and histories, a line each.

        Changes nothing.
        """
        return []

    def repair(self) -> int:
        """Rebuild what is derived from entities and histories.

        Returns the number of entities that were changed or indexed again.
        """
        return 0

    # -- history --------------------------------------------------------------

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        """Samples with start <= time < end (microseconds UTC), in time order.

        A chunk has at most ``size`` samples.
        """
        raise NotImplementedError

    def his_counts(self, ranges: Sequence[tuple[str, int, int]]) -> list[int]:
        """The samples of points from a time to before another.

        If ``supports_policies``.
        """
        raise NotImplementedError

    def his_sample_bytes(self) -> float:
        """About how much space a sample takes. If ``supports_policies``."""
        raise NotImplementedError

    def his_drop(
        self,
        point: HisPoint,
        end: int,
        log: Callable[[int], object] = lambda count: None,
    ) -> int:
        """Drop samples before the local day that begins at ``end``; their number.

        Roll-ups to days and longer stay. ``log`` is called in each transaction, with
        the number of samples that it drops. If ``supports_policies``.
        """
        raise NotImplementedError

    def fold_now(self, id: str) -> None:
        """Fold what changed of a point, in the caller's transaction."""

    def his_compress(self, before: dt.datetime, *, apply: bool) -> str:
        """Compress samples before an instant, or say what would be done."""
        return f"compression is not available on storage {self.alias!r}: skipped"

    def his_backwards(self, id: str, before: int) -> Iterator[tuple[int, Any]]:
        """Samples with time < before, the newest first; finite numbers are floats.

        Read in spans that double, so that a long history is not read for one sample.
        """
        end, span = before, _SHORTEST_SPAN
        while end > FIRST_TIME:
            start = max(end - span, FIRST_TIME)
            last = deque(self.his_chunks(id, start, end), maxlen=1)
            for chunk in last:
                for place in reversed(range(len(chunk.times))):
                    value = chunk.others.get(place, chunk.vals[place])
                    yield chunk.times[place], value
            end = last[0].times[0] if last else start
            span = _SHORTEST_SPAN if last else 2 * span

    def his_times(
        self, ids: Sequence[str], before: int, count: int
    ) -> dict[str, list[int]]:
        """Times of the newest samples of points with time < before, by id."""
        found = {}
        for id in ids:
            newest = islice(self.his_backwards(id, before), count)
            found[id] = [time for time, _ in newest]
        return found

    def his_since(self, starts: Mapping[str, int]) -> dict[str, list[tuple[int, Any]]]:
        """Samples of points from a time on, and the newest one before it, by id.

        In time order; finite numbers are floats.
        """
        return {id: list(self._samples_since(id, at)) for id, at in starts.items()}

    def _samples_since(self, id: str, start: int) -> Iterator[tuple[int, Any]]:
        yield from islice(self.his_backwards(id, start), 1)
        for chunk in self.his_chunks(id, start):
            for place, time in enumerate(chunk.times):
                yield time, chunk.others.get(place, chunk.vals[place])

    def his_at(self, times: Mapping[str, Sequence[int]]) -> dict[str, dict[int, Any]]:
        """Stored samples of points at these times, which are sorted.

        By id and time; finite numbers are floats.
        """
        return {id: dict(self._samples_at(id, wanted)) for id, wanted in times.items()}

    def _samples_at(self, id: str, times: Sequence[int]) -> Iterator[tuple[int, Any]]:
        wanted = set(times)
        for first, last in _runs(times):
            for chunk in self.his_chunks(id, first, last + 1):
                for place, time in enumerate(chunk.times):
                    if time in wanted:
                        yield time, chunk.others.get(place, chunk.vals[place])

    def log_edits(self, edits: Sequence[SampleEdit]) -> None:
        """Keep what a write replaced or removed, inside ``locked`` with the write.

        A store without such a log, which other packages may have, keeps none.
        """

    def edits_of(self, change: str, limit: int | None = None) -> list[SampleEdit]:
        """The first edits of one change that the caller may see, in their order."""
        return []

    def edit_summaries(self, limit: int, id: str | None) -> list[SampleChange]:
        """The newest changes, of a point or of all that the caller may see."""
        return []

    def prune_edits(self, before: dt.datetime, limit: int = 1_000) -> int:
        """Delete edits that are older than ``before``, at most ``limit``; how many."""
        return 0

    def his_short(
        self, id: str, start: int | None, end: int | None, size: int
    ) -> list[Chunk] | None:
        """The same if that is cheaper than ``his_chunks`` in a snapshot, else None."""
        return None

    def his_prepare(self, times: Iterable[int]) -> None:
        """Make room for samples of these times, in microseconds, before they come.

        ``his_store`` does so itself; this is for times that are known earlier.
        """

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        """Write and remove samples of points, all of them or none.

        Returns by how many samples each history grew.
        """
        raise NotImplementedError

    def his_extent(self, id: str) -> Extent:
        """Size and ends of a point's history; reads all of it."""
        raise NotImplementedError

    def has_samples(self, id: str) -> bool:
        """Whether a point's history has samples."""
        return next(iter(self.his_chunks(id, size=1)), None) is not None

    def with_samples(self, ids: Sequence[str]) -> set[str]:
        """Those of the points whose histories have samples."""
        return {id for id in ids if self.has_samples(id)}

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see the same state, if the store supports that."""
        return nullcontext()

    def time_limit(self, seconds: int) -> AbstractContextManager[None]:
        """Limit the duration of each statement inside, if the store supports that."""
        return nullcontext()

    # -- collection -----------------------------------------------------------

    def collect(self, ids: Sequence[str], now: dt.datetime | None = None) -> None:
        """Log the current values of points that collect their history.

        Writers of current values call it, with the lock of the points.
        """
        raise NotImplementedError

    def postpone(self, due: Mapping[str, dt.datetime | None]) -> None:
        """Remember when ``collect`` is due for points, or forget it (None).

        Inside ``locked`` with the change. A store without this, which other packages
        may have, does not log a change that comes too soon after another one.
        """

    def postponed(self, now: dt.datetime, limit: int) -> list[str]:
        """Ids of points for which ``collect`` is due, at most ``limit``."""
        return []

    # -- priority arrays ------------------------------------------------------

    def levels_of(self, id: str) -> dict[int, Level]:
        """The levels of a point's priority array that are set, by number."""
        raise NotImplementedError

    def with_levels(self, ids: Collection[str]) -> set[str]:
        """Those of the points whose priority array has a level that is set."""
        return {id for id in ids if self.levels_of(id)}

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        """Set one level of a point, or delete it."""
        raise NotImplementedError

    def log_write(self, write: LevelWrite) -> None:
        """Add an entry to the log of writes, inside ``locked`` with the write.

        A store without such a log, which other packages may have, keeps none.
        """

    def write_log(self, id: str, limit: int) -> list[LevelWrite]:
        """The newest entries of a point in the log of writes, the newest first."""
        return []

    def writes_since(self, cursor: str | None, limit: int) -> WritePage:
        """Entries of the log of writes after a cursor, of all points in any scope.

        ``cursor`` is that of the previous page; None, and what is not a cursor of this
        log, is its end. Callers that read page by page get each entry once, if the log
        still has it; entries of writers at the same time are in any order.
        """
        return WritePage([], cursor or "")

    def older_writes(self, cursor: str | None, limit: int) -> WritePage:
        """Entries of the log of writes before a cursor, of all points in any scope.

        The newest first. ``cursor`` is that of the previous page; None is the end. The
        cursor of the last page is empty. Raises InvalidWrite for what is not a cursor.
        """
        return WritePage([], "")

    def prune_writes(self, before: dt.datetime, limit: int = 1_000) -> int:
        """Delete entries of the log of writes that are older than ``before``.

        Returns how many, at most ``limit``.
        """
        return 0

    def due_points(self, now: dt.datetime) -> Iterable[str]:
        """Ids of points with a level that expires at ``now`` or before."""
        raise NotImplementedError

    # -- watches --------------------------------------------------------------

    def watch_insert(self, watch: Watch) -> None:
        raise NotImplementedError

    def watch_update(self, watch: Watch) -> None:
        """Save its lease, end, number and subscriber. The caller must hold its lock."""
        raise NotImplementedError

    def locked_watches(
        self, ids: Collection[str]
    ) -> AbstractContextManager[dict[str, Watch]]:
        """The watches that exist, by id, locked until the block ends.

        Changes inside are committed together, or rolled back if the block raises.
        """
        raise NotImplementedError

    def watch_drop(self, ids: Collection[str]) -> None:
        """Close watches; unknown ids are ignored."""
        raise NotImplementedError

    def watch_count(self, owner: str, now: dt.datetime) -> int:
        """How many watches a user has open."""
        raise NotImplementedError

    def watches_due(self, now: dt.datetime) -> list[str]:
        """Watches whose lease has ended."""
        raise NotImplementedError

    def watch_items(self, id: str) -> dict[str, WatchItem]:
        raise NotImplementedError

    def watch_put_items(self, id: str, items: Mapping[str, WatchItem | None]) -> None:
        """Set what was sent, by id of entity; None removes an entity from the watch."""
        raise NotImplementedError

    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        """Versions of the matching entities, among these ids or among all."""
        raise NotImplementedError

    def versioned(
        self, filter: Filter, ids: Sequence[str]
    ) -> dict[str, tuple[int, Record]]:
        """Versions and records of the matching ids, from one snapshot."""
        raise NotImplementedError

    # -- tasks ----------------------------------------------------------------

    def take_task(
        self, name: str, holder: str, now: dt.datetime, until: dt.datetime
    ) -> bool:
        """Whether this holder gets a task until then; other holders are refused.

        Inside ``locked`` no other holder gets it before the block ends. A store that
        is not ``shared`` has a single holder.
        """
        if self.shared:
            raise NotImplementedError
        return True

    # -- defs -----------------------------------------------------------------

    def libs_state(self) -> Hashable:
        """A value that changes with each load of a def library; cheap to read."""
        raise NotImplementedError

    def read_libs(self) -> dict[str, list[dict[str, Any]]]:
        """The loaded def libraries by name, in the order of loading."""
        raise NotImplementedError

    def store_libs(self, named: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Store def libraries and replace those of the same name; all or none."""
        raise NotImplementedError


def _runs(times: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of times that are close together."""
    first: int | None = None
    last = 0
    for time in times:
        if first is not None and time - last > _RUN:
            yield first, last
            first = None
        first, last = time if first is None else first, time
    if first is not None:
        yield first, last
