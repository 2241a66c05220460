"""Whether two stores hold the same: counts, checksums, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..storage.base import StorageAdapter
from ..wire.record import Record
from .checksums import HistorySum, Total, canonical
from .copying import batched, is_historized, is_writable

__all__ = ["Sums", "Verification", "verify"]

_NAMED = 3
"""Tags of an entity that a difference names."""

Watch = Callable[[str, int], object]


@dataclass(slots=True)
class Sums:
    """What one store holds; ``samples`` is a count, ``histories`` one of points."""

    libs: Total = field(default_factory=Total)
    entities: Total = field(default_factory=Total)
    levels: Total = field(default_factory=Total)
    histories: Total = field(default_factory=Total)
    samples: int = 0

    def __str__(self) -> str:
        return (
            f"entities {self.entities}, levels {self.levels}, def libraries"
            f" {self.libs}, samples {self.samples:,} of points {self.histories}"
        )


@dataclass(slots=True)
class Verification:
    """The sums of both stores, and differences in words."""

    source: Sums = field(default_factory=Sums)
    target: Sums = field(default_factory=Sums)
    differences: list[str] = field(default_factory=list)


def verify(
    source: StorageAdapter,
    target: StorageAdapter,
    *,
    whole: bool = True,
    watch: Watch = lambda what, count: None,
) -> Verification:
    """Compare all that the source has; ``whole``: the target has nothing else."""
    found = Verification()
    add = found.differences.append
    _compare_libs(source, target, found, whole=whole)
    points: list[str] = []
    for batch in batched(source.scan()):
        found.differences += _compare_entities(target, batch, found)
        points += [_id(row) for row in batch if is_historized(row)]
        for id in [_id(row) for row in batch if is_writable(row)]:
            _compare_levels(source, target, id, found)
        watch("verified", len(batch))
    if whole:
        for record in _strangers(source, target):
            found.target.entities.add(canonical(record))
            add(f"@{_id(record)} is in the target alone")
    for id in points:
        _compare_history(source, target, id, found)
        watch("points", 1)
    return found


def _compare_libs(
    source: StorageAdapter, target: StorageAdapter, found: Verification, *, whole: bool
) -> None:
    libs, others = source.read_libs(), target.read_libs()
    for name in sorted(libs.keys() | others.keys()):
        if name not in libs and not whole:
            continue
        for side, held in ((found.source, libs), (found.target, others)):
            if name in held:
                side.libs.add(canonical([name, held[name]]))
        if canonical(libs.get(name)) != canonical(others.get(name)):
            found.differences.append(f"def library {name!r} differs")


def _compare_entities(
    target: StorageAdapter, records: Sequence[Record], found: Verification
) -> Iterator[str]:
    copies = target.read_by_ids([_id(record) for record in records])
    for record, copy in zip(records, copies, strict=True):
        text = canonical(record)
        found.source.entities.add(text)
        if copy is None:
            yield f"@{_id(record)} is missing"
            continue
        found.target.entities.add(canonical(copy))
        if text != canonical(copy):
            yield f"@{_id(record)} differs in {_names(record, copy)}"


def _names(record: Record, copy: Record) -> str:
    """Some tags in which two records differ."""
    names = [
        name
        for name in sorted({*record} | {*copy})
        if canonical(record.get(name)) != canonical(copy.get(name))
    ]
    return ", ".join(names[:_NAMED]) + (", .." if len(names) > _NAMED else "")


def _strangers(source: StorageAdapter, target: StorageAdapter) -> Iterator[Record]:
    for batch in batched(target.scan()):
        originals = source.read_by_ids([_id(record) for record in batch])
        for record, original in zip(batch, originals, strict=True):
            if original is None:
                yield record


def _compare_levels(
    source: StorageAdapter, target: StorageAdapter, id: str, found: Verification
) -> None:
    arrays = source.levels_of(id), target.levels_of(id)
    for sums, array in zip((found.source, found.target), arrays, strict=True):
        for number, level in array.items():
            ends = None if level.expires is None else level.expires.isoformat()
            sums.levels.add(canonical([id, number, level.val, level.who, ends]))
    if arrays[0] != arrays[1]:
        found.differences.append(f"the priority array of @{id} differs")


def _compare_history(
    source: StorageAdapter, target: StorageAdapter, id: str, found: Verification
) -> None:
    histories = _summed(source, id), _summed(target, id)
    for sums, history in zip((found.source, found.target), histories, strict=True):
        if history.count:
            sums.histories.add(canonical([id, history.count, history.checksum]))
            sums.samples += history.count
    if histories[0] != histories[1]:
        found.differences.append(
            f"the history of @{id} differs: {histories[0]} became {histories[1]}"
        )


def _summed(store: StorageAdapter, id: str) -> HistorySum:
    found = HistorySum()
    with store.snapshot():
        for chunk in store.his_chunks(id):
            found.add(chunk)
    return found


def _id(record: Mapping[str, Any]) -> str:
    return str(record["id"].id)
