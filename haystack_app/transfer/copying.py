"""Everything of one store into another: entities, defs, priority arrays, histories.

Entities keep their ``mod`` and their transient tags. Each batch is kept as a whole or
not at all, and what is the same in both stores already is left alone: after an
interruption the same copy goes on. The change log is not copied; the target's own
begins with the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from ..kinds.transient import HIS_FACTS, TRANSIENT
from ..storage.base import StorageAdapter
from ..storage.errors import InvalidRecord, StorageError
from ..storage.priority_array import devalued
from ..storage.samples import Batch, reinterpreted
from ..storage.stored import Stored, restored_form
from ..wire.record import Record
from .checksums import canonical
from .history_sync import REFUSE, REMOVE, align

__all__ = [
    "MERGE",
    "ONLY",
    "REPLACE",
    "Copied",
    "TargetInUse",
    "batched",
    "copy_store",
    "is_historized",
    "is_writable",
]

ONLY, MERGE, REPLACE = "only", "merge", "replace"
"""What the target may hold: nothing but the beginning of this copy; other entities
beside it; other entities, which go."""

_BATCH = 1_000
_POINTS = 100
_WHO = "haystack_copy"
_T = TypeVar("_T")

Watch = Callable[[str, int], object]


class TargetInUse(StorageError):
    """A target that holds something else than the beginning of the copy."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the target is not empty, and {what} is not the source's: use --merge to"
            " keep what only the target has, or --replace to have it removed"
        )


@dataclass(slots=True)
class Copied:
    """What a copy wrote, in counts; what was there already is in none."""

    entities: int = 0
    removed: int = 0
    libs: int = 0
    levels: int = 0
    samples: int = 0


def copy_store(
    source: StorageAdapter,
    target: StorageAdapter,
    *,
    mode: str = ONLY,
    watch: Watch = lambda what, count: None,
) -> Copied:
    """Copy whatever the target has not yet.

    ``watch`` is told of entities, points and samples as they are done. Raises
    TargetInUse, OtherSamples, InvalidRecord.
    """
    return _Copy(source, target, mode, watch).run()


def batched(items: Iterable[_T], size: int = _BATCH) -> Iterator[list[_T]]:
    found = iter(items)
    while batch := list(islice(found, size)):
        yield batch


def is_historized(record: Mapping[str, Any]) -> bool:
    """Whether there may be samples: their point's kind and tz can never go."""
    return "kind" in record and "tz" in record


def is_writable(record: Mapping[str, Any]) -> bool:
    """Whether levels may be set: until they are released, the tag cannot go."""
    return "writable" in record


class _Copy:
    def __init__(
        self, source: StorageAdapter, target: StorageAdapter, mode: str, watch: Watch
    ) -> None:
        self.source, self.target, self.mode, self.watch = source, target, mode, watch
        self.done = Copied()

    def run(self) -> Copied:
        if self.mode != MERGE:
            self._others()
        self._libs()
        points: list[str] = []
        for batch in batched(self.source.scan()):
            self._entities(batch)
            points += [_id(row) for row in batch if is_historized(row)]
            self.watch("entities", len(batch))
        for ids in batched(points, _POINTS):
            self._points(ids)
        return self.done

    # -- what the target has of its own ---------------------------------------

    def _others(self) -> None:
        """Entities that only the target has are removed, or refused."""
        gone: list[str] = []
        for batch in batched(self.target.scan()):
            ids = [_id(record) for record in batch]
            originals = self.source.read_by_ids(ids)
            for record, original in zip(batch, originals, strict=True):
                if self.mode == REPLACE:
                    gone += [_id(record)] if original is None else []
                elif original is None or _kept(record) != _kept(original):
                    raise TargetInUse(f"its entity @{_id(record)}")
        for ids in batched(gone):
            self.target.commit([], remove=ids, who=_WHO)
        self.done.removed = len(gone)

    # -- defs -----------------------------------------------------------------

    def _libs(self) -> None:
        """One by one, for their order counts: who comes later may refine others."""
        wanted, held = self.source.read_libs(), self.target.read_libs()
        if self.mode == ONLY and (strange := sorted(held.keys() - wanted.keys())):
            raise TargetInUse(f"its def library {strange[0]!r}")
        known = {name: lib for name, lib in held.items() if name in wanted}
        if canonical(list(known.items())) == canonical(list(wanted.items())):
            return
        for name, lib in wanted.items():
            self.target.store_libs({name: lib})
        self.done.libs = len(wanted)

    # -- entities -------------------------------------------------------------

    def _entities(self, records: Sequence[Record]) -> None:
        ids = [_id(record) for record in records]
        with self.target.locked():
            held = dict(zip(ids, self.target.read_by_ids(ids), strict=True))
            moved = [
                record
                for record in records
                if (before := held[_id(record)]) is None
                or _visible(before) != _visible(record)
            ]
            if unlike := list(self._unlike(moved, held)):
                self.target.commit([], remove=unlike, who=_WHO)
            if moved:
                self.target.commit([_restored(one) for one in moved], who=_WHO)
            if stale := _stale(moved, held):
                self.target.set_transient(stale)
            self.done.entities += len(moved)
            for record in filter(is_writable, records):
                self._levels(_id(record))

    def _unlike(
        self, records: Iterable[Record], held: Mapping[str, Record | None]
    ) -> Iterator[str]:
        """Entities whose samples or levels would mean something else as they are.

        They go, with these, before they come anew.
        """
        for record in records:
            id = _id(record)
            before = held[id]
            if before is not None and (
                reinterpreted(before, record)
                or (devalued(before, record) and self.target.levels_of(id))
            ):
                yield id

    def _levels(self, id: str) -> None:
        wanted, held = self.source.levels_of(id), self.target.levels_of(id)
        for number in sorted(wanted.keys() | held.keys()):
            if held.get(number) == wanted.get(number):
                continue
            if self.mode == ONLY and number in held:
                raise TargetInUse(f"level {number} of its point @{id}")
            self.target.level_store(id, number, wanted.get(number))
            self.done.levels += 1

    # -- histories ------------------------------------------------------------

    def _points(self, ids: Sequence[str]) -> None:
        records = [row for row in self.source.read_by_ids(ids) if row is not None]
        for record in records:
            self._history(_id(record))
            self.watch("points", 1)
        facts = {_id(record): _facts(record) for record in records}
        with self.target.locked(list(facts)):
            changed = {
                _id(row): facts[_id(row)]
                for row in self.target.read_by_ids(list(facts))
                if row and canonical(_facts(row)) != canonical(facts[_id(row)])
            }
            if changed:
                self.target.set_transient(changed)

    def _history(self, id: str) -> None:
        with self.source.snapshot():
            self.done.samples += align(
                self.target,
                id,
                self.source.his_chunks(id),
                partial(self._write, id),
                others=REFUSE if self.mode == ONLY else REMOVE,
            )

    def _write(self, id: str, batch: Batch) -> None:
        """The facts of a history are unknown until all of it is there."""
        with self.target.locked([id]):
            self.target.his_store({id: batch})
            self.target.set_transient({id: dict.fromkeys(HIS_FACTS)})
        self.watch("samples", len(batch.written) + len(batch.removed))


def _id(record: Mapping[str, Any]) -> str:
    return str(record["id"].id)


def _restored(record: Record) -> Stored:
    try:
        return restored_form(record)
    except InvalidRecord as err:
        raise InvalidRecord(f"@{_id(record)}: {err}") from None


def _kept(record: Record) -> bytes:
    """The persistent tags."""
    return canonical({name: record[name] for name in record if name not in TRANSIENT})


def _visible(record: Record) -> bytes:
    """All tags but what is known of the history, which comes later."""
    return canonical({name: record[name] for name in record if name not in HIS_FACTS})


def _facts(record: Record) -> dict[str, Any]:
    return {name: record.get(name) for name in sorted(HIS_FACTS)}


def _stale(
    records: Iterable[Record], held: Mapping[str, Record | None]
) -> dict[str, dict[str, None]]:
    """Transient tags that only the target has, to be taken away."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        before = {*(held[_id(record)] or ())}
        names = before & (TRANSIENT - HIS_FACTS) - {*record}
        if names:
            found[_id(record)] = dict.fromkeys(names)
    return found
