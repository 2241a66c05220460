"""Compares two stores: counts, checksums, and differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..storage.base import StorageAdapter
from ..wire.record import Record
from .checksums import HistorySum, Total, canonical
from .store_copy import batched, is_historized, is_writable

__all__ = ["Sums", "Verification", "verify"]

_MAX_TAGS = 3
"""Tags that the message on a different entity lists."""

Progress = Callable[[str, int], object]


@dataclass(slots=True)
class Sums:
    """Totals of one store. ``samples`` counts samples, ``histories`` counts points."""

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
    """The totals of both stores, and descriptions of the differences."""

    source: Sums = field(default_factory=Sums)
    target: Sums = field(default_factory=Sums)
    differences: list[str] = field(default_factory=list)


def verify(
    source: StorageAdapter,
    target: StorageAdapter,
    *,
    exact: bool = True,
    progress: Progress = lambda what, count: None,
) -> Verification:
    """Compare all content of the source; with ``exact`` also other content."""
    result = Verification()
    _compare_libs(source, target, result, exact=exact)
    points: list[str] = []
    for batch in batched(source.scan()):
        result.differences += _compare_entities(target, batch, result)
        points += [_id(row) for row in batch if is_historized(row)]
        for id in [_id(row) for row in batch if is_writable(row)]:
            _compare_levels(source, target, id, result)
        progress("verified", len(batch))
    if exact:
        for record in _extra_records(source, target):
            result.target.entities.add(canonical(record))
            result.differences.append(f"@{_id(record)} is only in the target")
    for id in points:
        _compare_history(source, target, id, result)
        progress("points", 1)
    return result


def _compare_libs(
    source: StorageAdapter, target: StorageAdapter, result: Verification, *, exact: bool
) -> None:
    libs, copies = source.read_libs(), target.read_libs()
    for name in sorted(libs.keys() | copies.keys()):
        if name not in libs and not exact:
            continue
        for sums, side in ((result.source, libs), (result.target, copies)):
            if name in side:
                sums.libs.add(canonical([name, side[name]]))
        if canonical(libs.get(name)) != canonical(copies.get(name)):
            result.differences.append(f"def library {name!r} differs")


def _compare_entities(
    target: StorageAdapter, records: Sequence[Record], result: Verification
) -> Iterator[str]:
    copies = target.read_by_ids([_id(record) for record in records])
    for record, copy in zip(records, copies, strict=True):
        text = canonical(record)
        result.source.entities.add(text)
        if copy is None:
            yield f"@{_id(record)} is missing"
            continue
        result.target.entities.add(canonical(copy))
        if text != canonical(copy):
            yield f"@{_id(record)} differs in {_different_tags(record, copy)}"


def _different_tags(record: Record, copy: Record) -> str:
    """The first tags in which two records differ."""
    names = [
        name
        for name in sorted({*record} | {*copy})
        if canonical(record.get(name)) != canonical(copy.get(name))
    ]
    return ", ".join(names[:_MAX_TAGS]) + (", .." if len(names) > _MAX_TAGS else "")


def _extra_records(source: StorageAdapter, target: StorageAdapter) -> Iterator[Record]:
    for batch in batched(target.scan()):
        originals = source.read_by_ids([_id(record) for record in batch])
        for record, original in zip(batch, originals, strict=True):
            if original is None:
                yield record


def _compare_levels(
    source: StorageAdapter, target: StorageAdapter, id: str, result: Verification
) -> None:
    arrays = source.levels_of(id), target.levels_of(id)
    for sums, array in zip((result.source, result.target), arrays, strict=True):
        for number, level in array.items():
            ends = None if level.expires is None else level.expires.isoformat()
            sums.levels.add(canonical([id, number, level.val, level.who, ends]))
    if arrays[0] != arrays[1]:
        result.differences.append(f"the priority array of @{id} differs")


def _compare_history(
    source: StorageAdapter, target: StorageAdapter, id: str, result: Verification
) -> None:
    histories = _history_sum(source, id), _history_sum(target, id)
    for sums, history in zip((result.source, result.target), histories, strict=True):
        if history.count:
            sums.histories.add(canonical([id, history.count, history.checksum]))
            sums.samples += history.count
    if histories[0] != histories[1]:
        result.differences.append(
            f"the history of @{id} differs: {histories[0]} in the source,"
            f" {histories[1]} in the target"
        )


def _history_sum(store: StorageAdapter, id: str) -> HistorySum:
    result = HistorySum()
    with store.snapshot():
        for chunk in store.his_chunks(id):
            result.add(chunk)
    return result


def _id(record: Mapping[str, Any]) -> str:
    return str(record["id"].id)
