"""Samples from files into a store, all files or none.

Where the store is a database the files stream through one transaction; any
other store gets everything in one call.
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
from .his_files import PlacedSample, Points, read_samples

__all__ = ["Imported", "import_histories", "transaction_of"]

_BATCH = 50_000
Place = tuple[Path, int]


@dataclass(slots=True)
class Imported:
    """What an import brought, in counts."""

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
    watch: Callable[[IO[bytes]], None] | None = None,
) -> Imported:
    """Upsert the samples of all files. Raises UnreadableFile."""
    done = Imported()
    points = Points(adapter, tz)
    streams = getattr(adapter, "using", None) is not None
    with transaction_of(adapter):
        batch = _Batch(adapter, points)
        for path in paths:
            for sample in read_samples(path, points, watch):
                batch.add(path, sample)
                done.points.add(sample.id)
                if streams and batch.size >= _BATCH:
                    done.samples += batch.write()
            done.files += 1
        done.samples += batch.write()
    return done


class _Batch:
    """Samples on their way, with the place of each."""

    def __init__(self, adapter: StorageAdapter, points: Points) -> None:
        self.adapter, self.points = adapter, points
        self.size = 0
        self.samples: dict[str, list[Sample]] = {}
        self.places: dict[str, list[Place]] = {}

    def add(self, path: Path, sample: PlacedSample) -> None:
        self.samples.setdefault(sample.id, []).append((sample.ts, sample.value))
        self.places.setdefault(sample.id, []).append((path, sample.place))
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
        self.places.clear()
        return written

    def _check(self, id: str, samples: Iterable[Sample]) -> None:
        """Raises UnreadableFile with the place of the first bad sample."""
        point = self.points[id].his
        for (path, place), sample in zip(self.places[id], samples, strict=True):
            try:
                checked(point, [sample])
            except InvalidSample as err:
                unit = "line" if path.suffix.lower() == ".csv" else "row"
                reason = str(err).replace(", sample 1:", ":", 1)
                raise UnreadableFile(path, f"{unit} {place}", reason) from None
