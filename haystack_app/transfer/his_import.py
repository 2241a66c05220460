"""Imports samples from files into a store, all files or none.

If the store is a database, all files are checked before the first sample is stored, and
then stored in short transactions, so that others can write in between; all other stores
get the samples in one call. An import that is interrupted leaves a part, and the same
import completes it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import IO

from django.db import transaction

from ..kinds.scalars import REMOVE
from ..kinds.series import microseconds_of
from ..storage.base import StorageAdapter
from ..storage.errors import InvalidSample
from ..storage.sample_edits import IMPORT, Origin
from ..storage.samples import HisPoint, Sample, checked
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .his_files import FileSample, HisFiles
from .his_points import AS_WRITTEN, ReadingOptions, SamplePoints
from .tables.reader import TableReader
from .tables.source import TABLE_SUFFIXES, suffix_of
from .tables.understanding import Table

__all__ = ["ImportResult", "import_histories", "transaction_of"]

_BATCH = 20_000
_POINTS = 200
"""Samples and points of a transaction, which locks SQLite for about half a second."""
Position = tuple[Path, int]


@dataclass(slots=True)
class ImportResult:
    """Counts of what was imported.

    ``rows`` are those of the files; ``samples`` are the ones that are stored now, and
    ``repeated`` those that a later one of the same point and time replaced.
    """

    files: int = 0
    rows: int = 0
    samples: int = 0
    repeated: int = 0
    removed: int = 0
    points: set[str] = field(default_factory=set)
    extents: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """First and last time in microseconds, and the samples, of each point."""
    readers: dict[Path, TableReader] = field(default_factory=dict)
    change: str = ""
    """Of the samples that were replaced or removed; see ``storage.sample_edits``."""


def transaction_of(adapter: StorageAdapter) -> AbstractContextManager[object]:
    """A transaction of the store's database, if it has one."""
    using = getattr(adapter, "using", None)
    return nullcontext() if using is None else transaction.atomic(using=using)


def import_histories(
    adapter: StorageAdapter,
    paths: Sequence[Path],
    *,
    options: ReadingOptions = AS_WRITTEN,
    progress: Callable[[IO[bytes]], None] | None = None,
    tables: Mapping[Path, Table] | None = None,
    errors: FileErrors | None = None,
    dry_run: bool = False,
    is_checked: bool = False,
) -> ImportResult:
    """Upsert the samples of all files. Raises UnreadableFile with all errors.

    ``dry_run`` checks everything, stores nothing, and leaves the errors in ``errors``.
    ``is_checked``: that was done before, with the same arguments.
    """
    streams = getattr(adapter, "using", None) is not None
    if streams and not (dry_run or is_checked):
        found = FileErrors() if errors is None else errors
        _read(adapter, paths, options, None, tables, found, dry_run=True)
        found.check()
    return _read(adapter, paths, options, progress, tables, errors, dry_run=dry_run)


def _read(
    adapter: StorageAdapter,
    paths: Sequence[Path],
    options: ReadingOptions,
    progress: Callable[[IO[bytes]], None] | None,
    tables: Mapping[Path, Table] | None,
    errors: FileErrors | None,
    *,
    dry_run: bool,
) -> ImportResult:
    points = SamplePoints(adapter, options)
    files = HisFiles(points, tables, errors)
    streams = dry_run or getattr(adapter, "using", None) is not None
    batch = _Batch(adapter, points, files.errors, dry_run=dry_run)
    for path in paths:
        for sample in files.samples(path, progress):
            batch.add(path, sample)
            if streams and batch.size >= _BATCH:
                batch.write()
    batch.write()
    if not dry_run:
        if batch.stored and files.errors:
            first = files.errors.shown[0]
            text = f"{first}; a point was changed: {batch.stored:,} samples are stored"
            raise UnreadableFile(first.path, first.where, text)
        files.errors.check()
    found = batch.counted()
    found.files, found.rows, found.readers = len(paths), files.rows, files.readers
    return found


class _Batch:
    """Samples to be written, with their positions in files.

    After the first error nothing is written any more, but all samples are checked.
    """

    def __init__(
        self,
        adapter: StorageAdapter,
        points: SamplePoints,
        errors: FileErrors,
        *,
        dry_run: bool,
    ) -> None:
        self.adapter, self.points, self.errors = adapter, points, errors
        self.dry_run = dry_run
        self.size = self.stored = 0
        self.origin = Origin(kind=IMPORT)
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.positions: dict[str, list[Position]] = defaultdict(list)
        self.times: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.removed: dict[str, set[int]] = defaultdict(set)

    def add(self, path: Path, sample: FileSample) -> None:
        position, id, ts, value = sample
        self.samples[id].append((ts, value))
        self.positions[id].append((path, position))
        self.size += 1
        time = microseconds_of(ts.utc)
        self.times[id].append(time)
        if value is REMOVE:
            self.removed[id].add(time)
        elif self.removed:
            self.removed[id].discard(time)

    def write(self) -> None:
        try:
            if self.dry_run:
                self._check_all()
            elif not self.errors:
                self._store()
        except InvalidSample:
            self._check_all()
            if not self.errors:
                raise
        else:
            if self.errors and not self.dry_run:
                self._check_all()
        self.samples.clear()
        self.positions.clear()
        self.size = 0

    def _store(self) -> None:
        if getattr(self.adapter, "using", None) is None:
            self.adapter.his_write_all(self.samples, origin=self.origin)
            return
        points = iter(self.samples.items())
        while part := dict(islice(points, _POINTS)):
            self.adapter.his_write_all(part, origin=self.origin)
            self.stored += sum(map(len, part.values()))

    def _check_all(self) -> None:
        for id, samples in self.samples.items():
            self._check(self.points[id], samples)

    def _check(self, point: HisPoint, samples: Sequence[Sample]) -> None:
        """Add the errors of invalid samples with their positions."""
        try:
            checked(point, samples)
        except InvalidSample:
            pass
        else:
            return
        found = zip(self.positions[point.id], samples, strict=True)
        for (path, position), sample in found:
            try:
                checked(point, [sample])
            except InvalidSample as err:
                unit = "line" if suffix_of(path) in TABLE_SUFFIXES else "row"
                reason = str(err).replace(", sample 1:", ":", 1)
                self.errors.add(UnreadableFile(path, f"{unit} {position}", reason))

    def counted(self) -> ImportResult:
        result = ImportResult(points=set(self.times), change=self.origin.change)
        for id, times in self.times.items():
            grain = self.points[id].precision
            distinct = _distinct(array("q", (time - time % grain for time in times)))
            removed = len({time - time % grain for time in self.removed[id]})
            result.repeated += len(times) - distinct
            result.removed += removed
            result.samples += distinct - removed
            result.extents[id] = min(times), max(times), distinct - removed
        return result


def _distinct(times: array[int]) -> int:
    """The number of different times, without a set if they are in order."""
    rising = all(one <= next for one, next in pairwise(times))
    if rising or all(one >= next for one, next in pairwise(times)):
        return 1 + sum(one != next for one, next in pairwise(times))
    return len(set(times))
