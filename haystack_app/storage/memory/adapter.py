"""A store in this process's memory: for tests, trials and small tools.

Nothing survives the process and no other process sees it. Records have the stored
form, so that validation and results are the same as in other adapters.
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
from contextlib import AbstractContextManager
from functools import cache, partial
from itertools import count, islice, takewhile
from typing import Any, TypeVar

import orjson

from ... import filters
from ...filters.ast import Filter
from ...filters.narrowing import narrowed
from ...filters.planner import Term, candidates, plan, terms_of
from ...kinds.series import LARGEST_CHUNK, Chunk
from ...wire.record import Record
from ..changes import REMOVE, Change, ChangePage, Records
from ..changeset import Changeset, EntityRow, patched
from ..priority_array import Level
from ..sample_edits import SampleChange, SampleEdit, summaries
from ..samples import Batch, Extent
from ..stored import stored_forms, transient_text
from ..time_limit import TimeLimit
from ..write_log import LevelWrite, WritePage
from .entity import Entity
from .history import History
from .log import ChangeLog, WriteLog
from .watches import MemoryWatches

__all__ = ["InMemoryAdapter"]

_Key = TypeVar("_Key")
_MOST_EDITS = 10_000
_MOST_TARGETS = 2_000
"""Limit of targets of a path that are looked up; with more, its first tag is used."""


class InMemoryAdapter(MemoryWatches):
    """``InMemoryAdapter(entities=[...])``, or fill it by ``load_entities``."""

    def __init__(
        self, entities: Iterable[Mapping[str, Any]] = (), *, alias: str = "default"
    ) -> None:
        super().__init__(alias)
        self._limit = TimeLimit()
        self._entities: dict[str, Entity] = {}
        self._index: dict[Term, set[str]] = {}
        self._referrers: dict[str, set[str]] = {}
        self._histories: dict[str, History] = {}
        self._arrays: dict[str, dict[int, Level]] = {}
        self._postponed: dict[str, dt.datetime] = {}
        self._edits: deque[SampleEdit] = deque(maxlen=_MOST_EDITS)
        self._writes = WriteLog()
        self._libs: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._loads = count()
        self._log = ChangeLog()
        self.commit(stored_forms(entities))

    def time_limit(self, seconds: int) -> AbstractContextManager[None]:
        """Limit what is read inside, all of it together."""
        return self._limit.within(seconds)

    def scan(self) -> Iterator[Record]:
        with self._lock:
            is_visible = self._visibility()
            raws = [
                self._entities[id].raw
                for id in self._limit.each(sorted(self._entities))
                if is_visible(id)
            ]
        return iter(self.shown([Record(raw) for raw in raws]))

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        with self._lock:
            held = self.visible_texts(ids)
            records = self.shown([Record(text) for text in held.values()])
        found = dict(zip(held, records, strict=True))
        return [found.get(id) for id in ids]

    keeps_search = True

    def visible_texts(self, ids: Sequence[str]) -> dict[str, str]:
        with self._lock:
            is_visible = self._visibility()
            return {id: self._entities[id].raw for id in ids if is_visible(id)}

    def _visibility(self) -> Callable[[str], bool]:
        """A test whether the caller sees an id; valid until the next change."""
        if self.scope is None:
            return self._entities.__contains__
        scope = self.parsed(self.scope)

        @cache
        def is_visible(id: str) -> bool:
            tags = self._decoded(id)
            return tags is not None and filters.matches(scope, tags, self._decoded)

        return is_visible

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        tree = self.parsed(filter)
        found: list[Entity] = []
        with self._lock:
            is_visible = self._visibility()
            wanted = sorted(self._candidates(narrowed(tree, self._targets)))
            for id in self._limit.each(wanted):
                if limit is not None and len(found) >= limit:
                    break
                entity = self._entities[id]
                if is_visible(id) and filters.matches(
                    tree,
                    entity.decoded,
                    lambda other: self._decoded(other) if is_visible(other) else None,
                ):
                    found.append(entity)
            records = self.shown([Record(entity.raw) for entity in found])
        names = frozenset(name for entity in found for name in entity.decoded)
        if self.scope is not None:
            return Records(records, names)
        return Records(records, names, [entity.row.revision for entity in found])

    def _candidates(self, tree: Filter) -> set[str]:
        """The ids of all entities that may match."""
        return candidates(
            plan(tree),
            lambda term: self._index.get(term, set()),
            lambda: set(self._entities),
        )

    def _targets(self, tree: Filter) -> list[str] | None:
        ids = self._candidates(tree)
        return None if len(ids) > _MOST_TARGETS else list(ids)

    # -- writing --------------------------------------------------------------

    def locked(self, ids: Sequence[str] | None = None) -> AbstractContextManager[None]:
        return self._journal.block()

    def after_commit(self, call: Callable[[], object]) -> None:
        with self.locked():
            self._journal.queue(call)

    def stored_rows(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        return {id: self._entities[id].row for id in ids if id in self._entities}

    def visible_ids(self, ids: Collection[str] | None = None) -> set[str]:
        with self._lock:
            is_visible = self._visibility()
            among = self._entities if ids is None else ids
            return {id for id in self._limit.each(among) if is_visible(id)}

    def apply(self, changes: Changeset) -> None:
        with self.locked():
            for move in changes.moves:
                entity = Entity.of(move.after) if move.after else None
                self._file(move.id, entity)
            for id in changes.removed:
                self._take(self._histories, id)
                self._take(self._arrays, id)
            self._journal.add(partial(self._log.cut, self._log.end))
            for entry in changes.log:
                self._log.append(entry)

    def _take(self, held: dict[str, Any], id: str) -> None:
        if id in held:
            self._journal.add(partial(held.__setitem__, id, held.pop(id)))

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        with self._lock:
            if self.scope is not None and not self._visibility()(id):
                return []
            found = [change for change in reversed(self._log) if change.id == id]
        if self.scope is not None:  # the id may have been a hidden entity's before
            found = list(takewhile(lambda change: change.kind != REMOVE, found))
        return self.shown_changes(found[:limit])

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        with self._lock:
            return self._log.since(cursor, limit)

    def changed_since(self, ids: Sequence[str], cursor: int) -> set[str]:
        wanted = set(ids)
        with self._lock:
            later = takewhile(
                lambda one: (one.cursor or cursor + 1) > cursor, reversed(self._log)
            )
            return {change.id for change in later if change.id in wanted}

    def logged_commit(self, cursor: int, limit: int | None = None) -> list[Change]:
        with self._lock:
            return self._log.commit_at(cursor, limit)

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        with self._lock:
            return self._log.prune(before, limit)

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        patches = {
            id: orjson.loads(transient_text(tags)) for id, tags in changes.items()
        }
        with self.locked(), self.check_scope(patches):
            rows = self.stored_rows(list(patches))
            for id, row in rows.items():
                if (after := patched(row, patches[id])) is not row:
                    self._file(id, Entity.of(after))
            self.announce(list(rows), logged=False)

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        with self._lock:
            is_visible = self._visibility()
            found = {id for to in ids for id in self._referrers.get(to, ())}
            others = self._limit.each(found.difference(ids))
            return sorted(filter(is_visible, others))[:limit]

    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        tree = self.parsed(filter)
        with self._lock:
            is_visible = self._visibility()
            return {
                id: self._entities[id].row.version
                for id in self._limit.each(self._entities if ids is None else ids)
                if is_visible(id)
                and filters.matches(
                    tree,
                    self._entities[id].decoded,
                    lambda other: self._decoded(other) if is_visible(other) else None,
                )
            }

    def versioned(
        self, filter: Filter, ids: Sequence[str]
    ) -> dict[str, tuple[int, Record]]:
        with self._lock:
            held = self.versions(filter, ids)
            records = self.shown([Record(self._entities[id].raw) for id in held])
            found = zip(held.items(), records, strict=True)
            return {id: (version, record) for (id, version), record in found}

    def _decoded(self, id: str) -> dict[str, Any] | None:
        entity = self._entities.get(id)
        return None if entity is None else entity.decoded

    def _file(self, id: str, entity: Entity | None) -> None:
        """Store or delete (None) an entity and update the index, with an undo step."""
        self._journal.add(partial(self._put, id, self._entities.get(id)))
        self._put(id, entity)

    def _put(self, id: str, entity: Entity | None) -> None:
        held = self._entities.pop(id, None)
        if held is not None:
            _forget(self._index, terms_of(held.decoded), id)
            _forget(self._referrers, held.refs, id)
        if entity is not None:
            self._entities[id] = entity
            for term in terms_of(entity.decoded):
                self._index.setdefault(term, set()).add(id)
            for to in entity.refs:
                self._referrers.setdefault(to, set()).add(id)

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        with self._lock:
            found = self._histories.get(id, History()).between(start, end)
        return self._limit.each(found.chunks(size), 1)

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        growth = {}
        with self.locked():
            for id, batch in batches.items():
                history = self._histories.setdefault(id, History())
                self._journal.add(history.state())
                growth[id] = history.merge(batch)
        return growth

    def his_extent(self, id: str) -> Extent:
        with self._lock:
            return self._histories.get(id, History()).extent

    def his_at(self, times: Mapping[str, Sequence[int]]) -> dict[str, dict[int, Any]]:
        with self._lock:
            held = {id: self._histories.get(id, History()) for id in times}
            return {id: held[id].at(wanted) for id, wanted in times.items()}

    def log_edits(self, edits: Sequence[SampleEdit]) -> None:
        with self.locked():
            for edit in edits:
                self._journal.add(self._edits.pop)
                self._edits.append(edit)

    def edits_of(self, change: str, limit: int | None = None) -> list[SampleEdit]:
        with self._lock:
            is_visible = self._visibility()
            found = (
                edit
                for edit in self._edits
                if edit.origin.change == change
                and (self.scope is None or is_visible(edit.id))
            )
            return list(islice(found, limit))

    def edit_summaries(self, limit: int, id: str | None) -> list[SampleChange]:
        with self._lock:
            is_visible = self._visibility()
            visible = [
                edit
                for edit in self._edits
                if id in (None, edit.id) and (self.scope is None or is_visible(edit.id))
            ]
        return summaries(reversed(visible), limit)

    def prune_edits(self, before: dt.datetime, limit: int = 1_000) -> int:
        with self._lock:
            count = 0
            while count < limit and self._edits and self._edits[0].at < before:
                self._edits.popleft()
                count += 1
            return count

    def postpone(self, due: Mapping[str, dt.datetime | None]) -> None:
        with self.locked():
            before = dict(self._postponed)
            self._journal.add(partial(setattr, self, "_postponed", before))
            for id, at in due.items():
                if at is None:
                    self._postponed.pop(id, None)
                else:
                    self._postponed[id] = at

    def postponed(self, now: dt.datetime, limit: int) -> list[str]:
        with self._lock:
            due = (id for id, at in self._postponed.items() if at <= now)
            return list(islice(due, limit))

    def levels_of(self, id: str) -> dict[int, Level]:
        with self._lock:
            return dict(self._arrays.get(id, {}))

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        with self.locked():
            array = self._arrays.get(id, {})
            self._journal.add(partial(self._arrays.__setitem__, id, array))
            others = {n: one for n, one in array.items() if n != number}
            self._arrays[id] = others if level is None else {**others, number: level}

    def log_write(self, write: LevelWrite) -> None:
        with self.locked():
            self._journal.add(partial(self._writes.cut, self._writes.end))
            self._writes.append(write)

    def write_log(self, id: str, limit: int) -> list[LevelWrite]:
        with self._lock:
            own = (write for write in reversed(self._writes) if write.id == id)
            return list(islice(own, limit))

    def writes_since(self, cursor: str | None, limit: int) -> WritePage:
        with self._lock:
            return self._writes.since(cursor, limit)

    def older_writes(self, cursor: str | None, limit: int) -> WritePage:
        with self._lock:
            return self._writes.older(cursor, limit)

    def prune_writes(self, before: dt.datetime, limit: int = 1_000) -> int:
        with self._lock:
            return self._writes.prune(before, limit)

    def due_points(self, now: dt.datetime) -> list[str]:
        with self._lock:
            return [
                id
                for id, array in self._arrays.items()
                if any(one.expires and one.expires <= now for one in array.values())
            ]

    def libs_state(self) -> Hashable:
        with self._lock:
            return tuple((name, load) for name, (load, _) in self._libs.items())

    def read_libs(self) -> dict[str, list[dict[str, Any]]]:
        with self._lock:
            return {name: defs for name, (_, defs) in self._libs.items()}

    def store_libs(self, named: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        with self.locked():
            before = dict(self._libs)
            self._journal.add(partial(self._restore_libs, before))
            for name, defs in named.items():
                self._libs.pop(name, None)
                entries = [dict(entry) for entry in defs]
                self._libs[name] = (next(self._loads), entries)

    def _restore_libs(
        self, before: Mapping[str, tuple[int, list[dict[str, Any]]]]
    ) -> None:
        self._libs.clear()
        self._libs.update(before)


def _forget(index: dict[_Key, set[str]], keys: Iterable[_Key], id: str) -> None:
    """Remove an id from an index."""
    for key in keys:
        ids = index[key]
        ids.discard(id)
        if not ids:
            del index[key]
