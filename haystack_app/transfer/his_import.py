"""Imports samples from files into a store, all files or none.

If the store is a database, the files are streamed in one transaction; all other stores
get the samples in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.db import transaction

from ..storage.base import StorageAdapter
from ..storage.errors import InvalidSample
from ..storage.samples import Sample, checked
from ..wire.files import UnreadableFile
from .his_files import FileSample, Points, read_samples

__all__ = ["ImportResult", "import_histories", "transaction_of"]

_BATCH = 50_000
Position = tuple[Path, int]


@dataclass(slots=True)
class ImportResult:
    """Counts of what was imported."""

    files: int = 0
    samples: int = 0
    points: set[str] = field(default_factory=set)


def transaction_of(adapter: StorageAdapter) -> AbstractContextManager[object]:
    """A transaction of the store's database, if it has one."""
    using = getattr(adapter, "using", None)
    return nullcontext() if using is None else transaction.atomic(using=using)


def import_histories(
    adapter: StorageAdapter,
    paths: Sequence[Path],
    *,
    tz: str | None = None,
    progress: Callable[[IO[bytes]], None] | None = None,
) -> ImportResult:
    """Upsert the samples of all files. Raises UnreadableFile."""
    result = ImportResult()
    points = Points(adapter, tz)
    streams = getattr(adapter, "using", None) is not None
    with transaction_of(adapter):
        batch = _Batch(adapter, points)
        for path in paths:
            for sample in read_samples(path, points, progress):
                batch.add(path, sample)
                result.points.add(sample.id)
                if streams and batch.size >= _BATCH:
                    result.samples += batch.write()
            result.files += 1
        result.samples += batch.write()
    return result


class _Batch:
    """Samples to be written, with their positions in files."""

    def __init__(self, adapter: StorageAdapter, points: Points) -> None:
        self.adapter, self.points = adapter, points
        self.size = 0
        self.samples: dict[str, list[Sample]] = {}
        self.positions: dict[str, list[Position]] = {}

    def add(self, path: Path, sample: FileSample) -> None:
        self.samples.setdefault(sample.id, []).append((sample.ts, sample.value))
        self.positions.setdefault(sample.id, []).append((path, sample.position))
        self.size += 1

    def write(self) -> int:
        try:
            self.adapter.his_write_all(self.samples)
        except InvalidSample:
            for id, samples in self.samples.items():
                self._check(id, samples)
            raise
        written, self.size = self.size, 0
        self.samples.clear()
        self.positions.clear()
        return written

    def _check(self, id: str, samples: Iterable[Sample]) -> None:
        """Raises UnreadableFile with the position of the first invalid sample."""
        point = self.points[id].his
        for (path, position), sample in zip(self.positions[id], samples, strict=True):
            try:
                checked(point, [sample])
            except InvalidSample as err:
                unit = "line" if path.suffix.lower() == ".csv" else "row"
                reason = str(err).replace(", sample 1:", ":", 1)
                raise UnreadableFile(path, f"{unit} {position}", reason) from None
