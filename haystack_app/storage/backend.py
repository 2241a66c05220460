"""What a backend writes; everything else of the contract stands on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import (
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any, Self

from django.core.checks import CheckMessage

from ..filters.ast import Filter
from ..kinds.series import LARGEST_CHUNK, Chunk
from ..wire.record import Record
from . import signals
from .changes import Change, ChangePage
from .changeset import Changeset, EntityRow
from .errors import UnknownEntity
from .priority_array import Level
from .samples import Batch, Extent
from .watch_types import Watch, WatchItem

__all__ = ["StorageBackend"]


class StorageBackend:
    """Entities, histories, priority arrays, watches and defs of one store.

    Flags: ``persistent`` (survives the process), ``shared`` (several processes
    see the same), ``supports_rollup`` (aggregates history itself).
    """

    persistent = False
    shared = False
    supports_rollup = False

    def __init__(self, alias: str = "default") -> None:
        self.alias = alias

    scope: Filter | None = None
    """What a caller may see; None for everything. See ``visible_to``."""

    def visible_to(self, scope: Filter | None) -> Self:
        """The same store for somebody who may only see and change what matches.

        Whatever else there is does not exist for them: not in answers, counts and
        errors, and not for the paths of filters. The scope's own paths run through
        everything. Writing what the scope does not cover raises OutOfScope.
        """
        view = copy(self)
        view.scope = scope
        return view

    def check(self) -> list[CheckMessage]:
        """Messages for Django's system checks."""
        return []

    def check_server(self) -> list[CheckMessage]:
        """More of them, which only the server that holds the store can answer."""
        return []

    # -- entities -------------------------------------------------------------

    def scan(self) -> Iterator[Record]:
        """Every record, in order of ids."""
        raise NotImplementedError

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        """A record or None for each id, in the order asked for."""
        raise NotImplementedError

    def existing(self, id: str) -> Record:
        """The record of an id. Raises UnknownEntity."""
        found = self.read_by_ids([id])[0]
        if found is None:
            raise UnknownEntity(id)
        return found

    def locked(self, ids: Sequence[str] | None = None) -> AbstractContextManager[None]:
        """Nobody else changes these entities until the end; None means any.

        All that is changed inside, by any number of calls, is kept at the end, or none
        of it where the block raises; of a block inside of another one, its own part.
        Others see none of it before the end. The caller itself sees entities, samples,
        levels and libraries as it has changed them, by ids and by filters; entries of
        the change log have no place until they are kept.
        """
        raise NotImplementedError

    def committing(
        self, ids: Sequence[str] | None = None
    ) -> AbstractContextManager[None]:
        """``locked`` with the entities that a commit changes; None means any."""
        return self.locked(ids)

    def held(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        """Those of the entities that are there, whatever the scope; up to ``BATCH``.

        The caller is ``locked`` with them, and changes them next.
        """
        raise NotImplementedError

    def visible_ids(self, ids: Collection[str] | None = None) -> set[str]:
        """Those of some ids that are there for the caller; None means all."""
        raise NotImplementedError

    def apply(self, changes: Changeset) -> None:
        """Carry out a part of a commit: entities, what belongs to them, and the log.

        The caller is ``committing`` its entities. A removed entity's history and
        priority array go.
        """
        raise NotImplementedError

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Set transient tags of entities by id, remove those that are None.

        The caller is ``locked`` with them. Neither ``mod`` nor the log moves.
        Unknown ids are left out. Raises OutOfScope.
        """
        raise NotImplementedError

    def announce(self, ids: Collection[str], *, logged: bool) -> None:
        """Say, when a change is kept, which entities it was about.

        ``logged`` tells whether the change log grew. ``commit`` calls it, and
        ``set_transient`` must.
        """
        if ids:
            signals.announce(self.alias, ids, logged=logged)

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        """What happened to an entity, the newest first.

        Under a scope not what happened to others that had the id before.
        """
        raise NotImplementedError

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        """What the change log has behind a place, in the order of the commits.

        ``cursor`` is that of the part before; None is the end of the log as of now.
        ``limit`` is 1 or more. Whoever goes on from part to part misses no entry
        and gets none twice, whoever writes meanwhile. Raises CursorExpired where
        entries behind the cursor were pruned, or where the log ends before it. A
        scope has no effect: the log is for those who see everything.
        """
        raise NotImplementedError

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        """Take entries older than that from the beginning of the change log.

        Not more than ``limit``; how many. It ends at the first entry that is not
        older, so that what stays is a whole end of the log.
        """
        raise NotImplementedError

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        """Ids of some other entities that refer to one of these, in order."""
        raise NotImplementedError

    # -- consistency ----------------------------------------------------------

    def mend_marked(self, limit: int = 1_000) -> int:
        """Bring up to date what follows from tags that plain SQL changed.

        The number of entities that were looked at, ``limit`` at most.
        """
        return 0

    def differences(self) -> list[str]:
        """What does not fit the entities and histories, a line each.

        Nothing is changed.
        """
        return []

    def repair(self) -> int:
        """Derive anew what follows from entities and histories.

        The number of entities that were changed, or are indexed again.
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

        A chunk has ``size`` of them at most.
        """
        raise NotImplementedError

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        """Write and remove samples of some points, all of them or none.

        By how many samples each history grew.
        """
        raise NotImplementedError

    def his_extent(self, id: str) -> Extent:
        """How long a point's history is; it costs a look at all of it."""
        raise NotImplementedError

    def has_samples(self, id: str) -> bool:
        """Whether a point's history has any."""
        return next(iter(self.his_chunks(id, size=1)), None) is not None

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see the same state, where the store can do that."""
        return nullcontext()

    def time_limit(self, seconds: int) -> AbstractContextManager[None]:
        """No statement inside runs longer, where the store can do that."""
        return nullcontext()

    # -- priority arrays ------------------------------------------------------

    def levels_of(self, id: str) -> dict[int, Level]:
        """The levels of a point's priority array that are set."""
        raise NotImplementedError

    def with_levels(self, ids: Collection[str]) -> set[str]:
        """Those of some points whose priority array has a level that is set."""
        return {id for id in ids if self.levels_of(id)}

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        """Set one level of a point, or take it away."""
        raise NotImplementedError

    def due_points(self, now: dt.datetime) -> Iterable[str]:
        """Ids of points with a level that expires at ``now`` or before."""
        raise NotImplementedError

    # -- watches --------------------------------------------------------------

    def watch_insert(self, watch: Watch) -> None:
        raise NotImplementedError

    def watch_update(self, watch: Watch) -> None:
        """Keep its lease, end, number and subscriber; the caller is alone with it."""
        raise NotImplementedError

    def locked_watches(
        self, ids: Collection[str]
    ) -> AbstractContextManager[dict[str, Watch]]:
        """Those of the watches that there are; nobody else touches them inside.

        What is changed inside is kept, or none of it.
        """
        raise NotImplementedError

    def watch_drop(self, ids: Collection[str]) -> None:
        """End watches; unknown ones are left out."""
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
        """Set what was told, by id of entity; None takes an entity off the watch."""
        raise NotImplementedError

    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        """Versions of the entities that match, of these ids or of all."""
        raise NotImplementedError

    def versioned(
        self, filter: Filter, ids: Sequence[str]
    ) -> dict[str, tuple[int, Record]]:
        """Versions and records of those of the ids that match, from one look."""
        raise NotImplementedError

    # -- tasks ----------------------------------------------------------------

    def take_task(
        self, name: str, holder: str, now: dt.datetime, until: dt.datetime
    ) -> bool:
        """Whether this holder does a task until then; others are refused meanwhile.

        Inside ``locked`` nobody else gets it before the end. A store that is not
        ``shared`` has nobody else.
        """
        if self.shared:
            raise NotImplementedError
        return True

    # -- defs -----------------------------------------------------------------

    def libs_state(self) -> Hashable:
        """What differs whenever a def library was loaded; cheap."""
        raise NotImplementedError

    def read_libs(self) -> dict[str, list[dict[str, Any]]]:
        """The loaded def libraries by name, in the order of loading."""
        raise NotImplementedError

    def store_libs(self, named: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Keep def libraries, each in place of one of its name; all or none."""
        raise NotImplementedError
