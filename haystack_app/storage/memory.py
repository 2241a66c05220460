"""Everything in this process's memory: for tests, trials and small tools.

Nothing survives the process and no other process sees it. Records are kept in
the stored form, so that what they accept and answer is the same as elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import orjson

from .. import filters
from ..filters.ast import Filter
from ..filters.planner import Term, candidates, plan, terms_of
from ..kinds.series import Chunk
from ..wire.record import Record
from .base import Changes, Records, StorageAdapter
from .errors import HistoryInUse
from .samples import Batch, Sample, reinterpreted
from .stored import Stored, same_tags, stored_forms

__all__ = ["InMemoryAdapter"]

_CHUNK = 10_000


@dataclass(slots=True)
class _Entity:
    """Parsed JSON of both kinds of tags, the whole text, and its decoding."""

    tags: dict[str, Any]
    cur: dict[str, Any]
    raw: str
    decoded: dict[str, Any]

    @classmethod
    def of(cls, tags: dict[str, Any], cur: dict[str, Any]) -> _Entity:
        raw = orjson.dumps({**tags, **cur}).decode()
        return cls(tags, cur, raw, Record(raw).tags)


@dataclass(slots=True)
class _History:
    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def merge(self, batch: Batch) -> None:
        if not batch.removed and (
            not self.times or next(iter(batch.written), 0) > self.times[-1]
        ):
            self.times.extend(batch.written)
            self.values.extend(batch.written.values())
            return
        merged = dict(zip(self.times, self.values, strict=True)) | batch.written
        for time in batch.removed:
            merged.pop(time, None)
        self.times = sorted(merged)
        self.values = [merged[time] for time in self.times]


class InMemoryAdapter(StorageAdapter):
    """``InMemoryAdapter(entities=[...])``, or fill it by ``load_entities``."""

    def __init__(
        self, entities: Iterable[Mapping[str, Any]] = (), *, alias: str = "default"
    ) -> None:
        super().__init__(alias)
        self._lock = RLock()
        self._entities: dict[str, _Entity] = {}
        self._index: dict[Term, set[str]] = {}
        self._histories: dict[str, _History] = {}
        self.commit(stored_forms(entities))

    def scan(self) -> Iterator[Record]:
        with self._lock:
            raws = [self._entities[id].raw for id in sorted(self._entities)]
        return map(Record, raws)

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        with self._lock:
            found = [self._entities.get(id) for id in ids]
        return [None if entity is None else Record(entity.raw) for entity in found]

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        tree = filters.parse(filter) if isinstance(filter, str) else filter
        found: list[_Entity] = []
        with self._lock:
            ids = candidates(
                plan(tree),
                lambda term: self._index.get(term, set()),
                lambda: set(self._entities),
            )
            for id in sorted(ids):
                if limit is not None and len(found) >= limit:
                    break
                entity = self._entities[id]
                if filters.matches(tree, entity.decoded, self._decoded):
                    found.append(entity)
        names = frozenset(name for entity in found for name in entity.decoded)
        return Records([Record(entity.raw) for entity in found], names)

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
    ) -> Changes:
        changes = Changes([], [], [], [])
        with self._lock:
            self._check_histories(put)
            for stored in put:
                tags, cur = orjson.loads(stored.tags), orjson.loads(stored.cur)
                held = self._entities.get(stored.id)
                entity = _Entity.of(tags, held.cur | cur if held else cur)
                if held is None:
                    changes.created.append(stored.id)
                elif same_tags(held.raw, entity.raw):
                    changes.unchanged.append(stored.id)
                    continue
                else:
                    changes.updated.append(stored.id)
                self._file(stored.id, entity)
            kept = {stored.id for stored in put}
            gone = set(remove) | (self._entities.keys() - kept if replace else set())
            for id in sorted(gone & self._entities.keys()):
                self._file(id, None)
                self._histories.pop(id, None)
                changes.removed.append(id)
        return changes

    def _check_histories(self, put: Sequence[Stored]) -> None:
        for stored in put:
            if stored.id in self._histories and self._histories[stored.id].times:
                before = self._entities[stored.id].tags
                if tag := reinterpreted(before, orjson.loads(stored.tags)):
                    raise HistoryInUse(stored.id, tag)

    def _decoded(self, id: str) -> dict[str, Any] | None:
        entity = self._entities.get(id)
        return None if entity is None else entity.decoded

    def _file(self, id: str, entity: _Entity | None) -> None:
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
        self, id: str, start: int | None = None, end: int | None = None
    ) -> Iterator[Chunk]:
        with self._lock:
            history = self._histories.get(id, _History())
            first = 0 if start is None else bisect_left(history.times, start)
            last = (
                len(history.times) if end is None else bisect_left(history.times, end)
            )
            times, values = history.times[first:last], history.values[first:last]
        for at in range(0, len(times), _CHUNK):
            part = values[at : at + _CHUNK]
            others = {
                place: value
                for place, value in enumerate(part)
                if type(value) is not float
            }
            vals = [0.0 if place in others else val for place, val in enumerate(part)]
            yield Chunk(times[at : at + _CHUNK], vals, others)

    def his_write_all(self, samples: Mapping[str, Iterable[Sample]]) -> None:
        with self._lock:
            super().his_write_all(samples)

    def his_store(self, batches: Mapping[str, Batch]) -> None:
        with self._lock:
            for id, batch in batches.items():
                self._histories.setdefault(id, _History()).merge(batch)
