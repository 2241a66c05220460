"""Copies a store into another: entities, defs, priority arrays, histories.

Entities keep their ``mod`` and their transient tags. Each batch is stored atomically,
and content that is already the same in both stores is skipped, so that an interrupted
copy can be continued. The change log is not copied; the target's log begins with the
copy.
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
from .history_sync import REFUSE, REMOVE, sync_history

__all__ = [
    "MERGE",
    "REPLACE",
    "STRICT",
    "CopyResult",
    "TargetNotEmpty",
    "batched",
    "copy_store",
    "is_historized",
    "is_writable",
]

STRICT, MERGE, REPLACE = "strict", "merge", "replace"
"""What happens to other content of the target. STRICT: it is an error; the target may
contain only a part of the source. MERGE: other entities are kept. REPLACE: other
entities are removed."""

_BATCH = 1_000
_POINTS = 100
_WHO = "haystack_copy"
_T = TypeVar("_T")

Progress = Callable[[str, int], object]


class TargetNotEmpty(StorageError):
    """A target with content that is missing or different in the source."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the target is not empty: {what} is missing or different in the source."
            " Use --merge to keep content that only the target has, or --replace to"
            " remove it"
        )


@dataclass(slots=True)
class CopyResult:
    """Counts of what a copy wrote, without content that was already the same."""

    entities: int = 0
    removed: int = 0
    libs: int = 0
    levels: int = 0
    samples: int = 0


def copy_store(
    source: StorageAdapter,
    target: StorageAdapter,
    *,
    mode: str = STRICT,
    progress: Progress = lambda what, count: None,
) -> CopyResult:
    """Copy the content that the target does not have yet.

    ``progress`` is called with counts of entities, points and samples. Raises
    TargetNotEmpty, SampleConflict, InvalidRecord.
    """
    return _Copy(source, target, mode, progress).run()


def batched(items: Iterable[_T], size: int = _BATCH) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def is_historized(record: Mapping[str, Any]) -> bool:
    """Whether there may be samples: a point with samples cannot lose kind and tz."""
    return "kind" in record and "tz" in record


def is_writable(record: Mapping[str, Any]) -> bool:
    """Whether levels may be set: a point with levels cannot lose the tag."""
    return "writable" in record


class _Copy:
    def __init__(
        self,
        source: StorageAdapter,
        target: StorageAdapter,
        mode: str,
        progress: Progress,
    ) -> None:
        self.source, self.target = source, target
        self.mode, self.progress = mode, progress
        self.result = CopyResult()

    def run(self) -> CopyResult:
        if self.mode != MERGE:
            self._check_target()
        self._copy_libs()
        points: list[str] = []
        for batch in batched(self.source.scan()):
            self._copy_entities(batch)
            points += [_id(row) for row in batch if is_historized(row)]
            self.progress("entities", len(batch))
        for ids in batched(points, _POINTS):
            self._copy_histories(ids)
        return self.result

    # -- other content of the target ------------------------------------------

    def _check_target(self) -> None:
        """Remove entities that only the target has, or raise TargetNotEmpty."""
        extra: list[str] = []
        for batch in batched(self.target.scan()):
            ids = [_id(record) for record in batch]
            originals = self.source.read_by_ids(ids)
            for record, original in zip(batch, originals, strict=True):
                if self.mode == REPLACE:
                    extra += [_id(record)] if original is None else []
                elif original is None or _persistent(record) != _persistent(original):
                    raise TargetNotEmpty(f"entity @{_id(record)}")
        for ids in batched(extra):
            self.target.commit([], remove=ids, who=_WHO)
        self.result.removed = len(extra)

    # -- defs -----------------------------------------------------------------

    def _copy_libs(self) -> None:
        """Store the libraries one by one: later ones may redefine earlier ones."""
        libs, existing = self.source.read_libs(), self.target.read_libs()
        if self.mode == STRICT and (extra := sorted(existing.keys() - libs.keys())):
            raise TargetNotEmpty(f"def library {extra[0]!r}")
        common = {name: lib for name, lib in existing.items() if name in libs}
        if canonical(list(common.items())) == canonical(list(libs.items())):
            return
        for name, lib in libs.items():
            self.target.store_libs({name: lib})
        self.result.libs = len(libs)

    # -- entities -------------------------------------------------------------

    def _copy_entities(self, records: Sequence[Record]) -> None:
        ids = [_id(record) for record in records]
        with self.target.locked():
            existing = dict(zip(ids, self.target.read_by_ids(ids), strict=True))
            changed = [
                record
                for record in records
                if (before := existing[_id(record)]) is None
                or _without_facts(before) != _without_facts(record)
            ]
            if incompatible := list(self._incompatible(changed, existing)):
                self.target.commit([], remove=incompatible, who=_WHO)
            if changed:
                self.target.commit([_restored(one) for one in changed], who=_WHO)
            if stale := _stale_tags(changed, existing):
                self.target.set_transient(stale)
            self.result.entities += len(changed)
            for record in filter(is_writable, records):
                self._copy_levels(_id(record))

    def _incompatible(
        self, records: Iterable[Record], existing: Mapping[str, Record | None]
    ) -> Iterator[str]:
        """Ids of existing entities whose samples or levels would change their meaning.

        They must be removed, with their samples and levels, before they are stored.
        """
        for record in records:
            id = _id(record)
            before = existing[id]
            if before is not None and (
                reinterpreted(before, record)
                or (devalued(before, record) and self.target.levels_of(id))
            ):
                yield id

    def _copy_levels(self, id: str) -> None:
        levels, existing = self.source.levels_of(id), self.target.levels_of(id)
        for number in sorted(levels.keys() | existing.keys()):
            if existing.get(number) == levels.get(number):
                continue
            if self.mode == STRICT and number in existing:
                raise TargetNotEmpty(f"level {number} of point @{id}")
            self.target.level_store(id, number, levels.get(number))
            self.result.levels += 1

    # -- histories ------------------------------------------------------------

    def _copy_histories(self, ids: Sequence[str]) -> None:
        records = [row for row in self.source.read_by_ids(ids) if row is not None]
        for record in records:
            self._copy_history(_id(record))
            self.progress("points", 1)
        facts = {_id(record): _facts(record) for record in records}
        with self.target.locked(list(facts)):
            changed = {
                _id(row): facts[_id(row)]
                for row in self.target.read_by_ids(list(facts))
                if row and canonical(_facts(row)) != canonical(facts[_id(row)])
            }
            if changed:
                self.target.set_transient(changed)

    def _copy_history(self, id: str) -> None:
        with self.source.snapshot():
            self.result.samples += sync_history(
                self.target,
                id,
                self.source.his_chunks(id),
                partial(self._write_samples, id),
                others=REFUSE if self.mode == STRICT else REMOVE,
            )

    def _write_samples(self, id: str, batch: Batch) -> None:
        """Store samples without facts, which are unknown until all are copied."""
        with self.target.locked([id]):
            self.target.his_store({id: batch})
            self.target.set_transient({id: dict.fromkeys(HIS_FACTS)})
        self.progress("samples", len(batch.written) + len(batch.removed))


def _id(record: Mapping[str, Any]) -> str:
    return str(record["id"].id)


def _restored(record: Record) -> Stored:
    try:
        return restored_form(record)
    except InvalidRecord as err:
        raise InvalidRecord(f"@{_id(record)}: {err}") from None


def _persistent(record: Record) -> bytes:
    """The persistent tags."""
    return canonical({name: record[name] for name in record if name not in TRANSIENT})


def _without_facts(record: Record) -> bytes:
    """All tags but the facts of the history, which are copied later."""
    return canonical({name: record[name] for name in record if name not in HIS_FACTS})


def _facts(record: Record) -> dict[str, Any]:
    return {name: record.get(name) for name in sorted(HIS_FACTS)}


def _stale_tags(
    records: Iterable[Record], existing: Mapping[str, Record | None]
) -> dict[str, dict[str, None]]:
    """Transient tags that only the target has, with None to remove them."""
    stale: dict[str, dict[str, None]] = {}
    for record in records:
        before = {*(existing[_id(record)] or ())}
        names = before & (TRANSIENT - HIS_FACTS) - {*record}
        if names:
            stale[_id(record)] = dict.fromkeys(names)
    return stale
