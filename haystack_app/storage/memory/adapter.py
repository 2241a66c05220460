"""Everything in this process's memory: for tests, trials and small tools.

Nothing survives the process and no other process sees it. Records are kept in
the stored form, so that what they accept and answer is the same as elsewhere.
"""

from __future__ import annotations

import datetime as dt
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
from functools import cache
from itertools import count, takewhile
from typing import Any

import orjson

from ... import filters
from ...filters.ast import Filter
from ...filters.planner import Term, candidates, plan, terms_of
from ...kinds.series import LARGEST_CHUNK, Chunk
from ...wire.record import Record
from ..changes import REMOVE, Change, ChangePage, Changes, Records, logged
from ..errors import ArrayInUse, HistoryInUse, OutOfScope
from ..priority_array import Level, devalued
from ..samples import Batch, Extent, reinterpreted
from ..stored import (
    Stored,
    edges_of,
    first_version,
    next_mod,
    same_tags,
    stored_forms,
    transient_text,
)
from .entity import Entity
from .history import History
from .log import Log
from .watches import MemoryWatches

__all__ = ["InMemoryAdapter"]


class InMemoryAdapter(MemoryWatches):
    """``InMemoryAdapter(entities=[...])``, or fill it by ``load_entities``."""

    def __init__(
        self, entities: Iterable[Mapping[str, Any]] = (), *, alias: str = "default"
    ) -> None:
        super().__init__(alias)
        self._entities: dict[str, Entity] = {}
        self._index: dict[Term, set[str]] = {}
        self._histories: dict[str, History] = {}
        self._arrays: dict[str, dict[int, Level]] = {}
        self._libs: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._loads = count()
        self._log = Log()
        self.commit(stored_forms(entities))

    def scan(self) -> Iterator[Record]:
        with self._lock:
            is_visible = self._visibility()
            raws = [
                self._entities[id].raw
                for id in sorted(self._entities)
                if is_visible(id)
            ]
        return map(Record, raws)

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        with self._lock:
            is_visible = self._visibility()
            found = [self._entities[id] if is_visible(id) else None for id in ids]
        return [None if entity is None else Record(entity.raw) for entity in found]

    def _visibility(self) -> Callable[[str], bool]:
        """Whether an id is there for the caller; valid as long as nothing changes."""
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
            ids = candidates(
                plan(tree),
                lambda term: self._index.get(term, set()),
                lambda: set(self._entities),
            )
            for id in sorted(ids):
                if limit is not None and len(found) >= limit:
                    break
                entity = self._entities[id]
                if is_visible(id) and filters.matches(
                    tree,
                    entity.decoded,
                    lambda other: self._decoded(other) if is_visible(other) else None,
                ):
                    found.append(entity)
        names = frozenset(name for entity in found for name in entity.decoded)
        return Records([Record(entity.raw) for entity in found], names)

    def locked(self, ids: Sequence[str] | None = None) -> AbstractContextManager[None]:
        return self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            yield

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
        who: str = "",
    ) -> Changes:
        changes = Changes()
        now = dt.datetime.now(dt.UTC)
        with self._lock, self._kept_in_scope([stored.id for stored in put]):
            for stored in put:
                self._check_meaning(stored)
            is_visible = self._visibility()
            kept = {stored.id for stored in put}
            gone = set(remove) | (self._entities.keys() - kept if replace else set())
            changes.removed.extend(id for id in sorted(gone) if is_visible(id))
            for stored in put:
                self._put(stored, changes, now, who)
            for id in changes.removed:
                self._log.append(logged(now, who, id, self._entities[id].tags, None))
                self._file(id, None)
                self._histories.pop(id, None)
                self._arrays.pop(id, None)
        self.announce(changes.ids, logged=True)
        return changes

    @contextmanager
    def _kept_in_scope(self, ids: Sequence[str]) -> Iterator[None]:
        """The caller sees all of these before, where they are there, and behind."""
        if self.scope is None:
            yield
            return
        before, end = dict(self._entities), self._log.end
        histories, arrays = dict(self._histories), dict(self._arrays)
        is_visible = self._visibility()
        for id in ids:
            if id in before and not is_visible(id):
                raise OutOfScope(id)
        yield
        is_visible = self._visibility()
        hidden = [id for id in ids if not is_visible(id)]
        if hidden:
            for id in before.keys() | self._entities.keys():
                if self._entities.get(id) is not before.get(id):
                    self._file(id, before.get(id))
            self._histories.update(histories)
            self._arrays.update(arrays)
            self._log.cut(end)
            raise OutOfScope(hidden[0])

    def _put(
        self, stored: Stored, changes: Changes, now: dt.datetime, who: str
    ) -> None:
        cur = orjson.loads(stored.cur)
        held = self._entities.get(stored.id)
        if held is None:
            mod = stored.mod or next_mod(None, now)
            tags = orjson.loads(stored.stamped(mod))
            entity = Entity.of(tags, cur, mod, first_version())
            changes.created.append(stored.id)
            self._log.append(logged(now, who, stored.id, None, entity.tags))
        elif stored.mod not in (None, held.mod) or not same_tags(
            orjson.dumps(held.tags).decode(), stored.tags
        ):
            mod = stored.mod or next_mod(held.mod, now)
            tags = orjson.loads(stored.stamped(mod))
            entity = Entity.of(tags, held.cur | cur, mod, held.version + 1)
            changes.updated.append(stored.id)
            self._log.append(logged(now, who, stored.id, held.tags, tags))
        else:
            entity = Entity.of(held.tags, held.cur | cur, held.mod, held.version + 1)
            if same_tags(held.raw, entity.raw):
                changes.unchanged.append(stored.id)
                return
            changes.updated.append(stored.id)
        self._file(stored.id, entity)

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        with self._lock:
            if self.scope is not None and not self._visibility()(id):
                return []
            found = [change for change in reversed(self._log) if change.id == id]
        if self.scope is not None:  # the id may have been a hidden entity's before
            found = list(takewhile(lambda change: change.kind != REMOVE, found))
        return found[:limit]

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        with self._lock:
            return self._log.since(cursor, limit)

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        with self._lock:
            return self._log.prune(before, limit)

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        texts = {id: transient_text(tags) for id, tags in changes.items()}
        with self._lock:
            known = [id for id in texts if id in self._entities]
            with self._kept_in_scope(known):
                for id in known:
                    held = self._entities[id]
                    merged = held.cur | orjson.loads(texts[id])
                    cur = {name: tag for name, tag in merged.items() if tag is not None}
                    after = Entity.of(held.tags, cur, held.mod, held.version + 1)
                    if not same_tags(held.raw, after.raw):
                        self._file(id, after)
        self.announce(known, logged=False)

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        with self._lock:
            is_visible = self._visibility()
            found = {
                id
                for id, entity in self._entities.items()
                if id not in ids
                and is_visible(id)
                and any(dst in ids for _, dst in edges_of(entity.decoded))
            }
        return sorted(found)[:limit]

    def _check_meaning(self, stored: Stored) -> None:
        """What is stored of a point must mean the same behind the change."""
        held = self._entities.get(stored.id)
        if held is None:
            return
        tags = held.tags, orjson.loads(stored.tags)
        history = self._histories.get(stored.id)
        if history and history.times and (tag := reinterpreted(*tags)):
            raise HistoryInUse(stored.id, tag)
        if self._arrays.get(stored.id) and (tag := devalued(*tags)):
            raise ArrayInUse(stored.id, tag)

    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        tree = self.parsed(filter)
        with self._lock:
            is_visible = self._visibility()
            return {
                id: self._entities[id].version
                for id in (self._entities if ids is None else ids)
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
            return {
                id: (version, Record(self._entities[id].raw))
                for id, version in self.versions(filter, ids).items()
            }

    def _decoded(self, id: str) -> dict[str, Any] | None:
        entity = self._entities.get(id)
        return None if entity is None else entity.decoded

    def _file(self, id: str, entity: Entity | None) -> None:
        """Put an entity, or None for none, and what the index says of it."""
        held = self._entities.pop(id, None)
        for term in terms_of(held.decoded) if held else ():
            ids = self._index[term]
            ids.discard(id)
            if not ids:
                del self._index[term]
        if entity is not None:
            self._entities[id] = entity
            for term in terms_of(entity.decoded):
                self._index.setdefault(term, set()).add(id)

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        with self._lock:
            found = self._histories.get(id, History()).between(start, end)
        return found.chunks(size)

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        with self._lock:
            return {
                id: self._histories.setdefault(id, History()).merge(batch)
                for id, batch in batches.items()
            }

    def his_extent(self, id: str) -> Extent:
        with self._lock:
            return self._histories.get(id, History()).extent

    def levels_of(self, id: str) -> dict[int, Level]:
        with self._lock:
            return dict(self._arrays.get(id, {}))

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        with self._lock:
            array = self._arrays.setdefault(id, {})
            if level is None:
                array.pop(number, None)
            else:
                array[number] = level

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
        with self._lock:
            for name, defs in named.items():
                self._libs.pop(name, None)
                kept = [dict(entry) for entry in defs]
                self._libs[name] = (next(self._loads), kept)
