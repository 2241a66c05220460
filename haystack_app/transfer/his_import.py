"""Imports samples from files into a store, all files or none.

If the store is a database, all files are checked before the first sample is stored, and
then stored in short transactions, so that others can write in between; all other stores
get the samples in one call. An import that is interrupted leaves a part, and the same
import completes it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import IO

from ..kinds.columns import SampleColumn
from ..kinds.datetimes import DateTime
from ..kinds.scalars import REMOVE, Number
from ..kinds.series import instant_of
from ..storage.base import StorageAdapter
from ..storage.errors import InvalidSample
from ..storage.sample_edits import IMPORT, Origin
from ..storage.samples import HisPoint, Sample, checked, is_valid
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .his_files import HisFiles
from .his_points import AS_WRITTEN, ReadingOptions, SamplePoints
from .sample_runs import SampleRun
from .tables.reader import TableReader
from .tables.source import TABLE_SUFFIXES, suffix_of
from .tables.understanding import Table

__all__ = ["ImportResult", "Samples", "Write", "import_histories", "transaction_of"]

Samples = Mapping[str, Sequence[Sample] | SampleColumn]
Write = Callable[[Samples], None]
_BATCH = 20_000
_FIRST = 1_000
"""Samples of a point whose distances are looked at."""
_POINTS = 200
"""Samples and points of a transaction, which locks SQLite for about half a second."""


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
    intervals: dict[str, int] = field(default_factory=dict)
    """The usual distance of the first samples of each point, in microseconds."""
    readers: dict[Path, TableReader] = field(default_factory=dict)
    change: str = ""
    """Of the samples that were replaced or removed; see ``storage.sample_edits``."""


def transaction_of(adapter: StorageAdapter) -> AbstractContextManager[object]:
    """A transaction of the store's databases, if it has any."""
    if adapter.database is None:
        return nullcontext()
    return adapter.locked([])


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
    user: str = "",
    write: Write | None = None,
) -> ImportResult:
    """Upsert the samples of all files. Raises UnreadableFile with all errors.

    ``dry_run`` checks everything, stores nothing, and leaves the errors in ``errors``.
    ``is_checked``: that was done before, with the same arguments. ``write`` stores a
    part instead of the adapter; then every store gets the samples in parts, which are
    the same ones when the import is repeated.
    """
    streams = write is not None or adapter.database is not None
    if streams and not (dry_run or is_checked):
        found = FileErrors() if errors is None else errors
        _read(
            *(adapter, paths, options, None, tables, found, Origin(), None),
            dry_run=True,
        )
        found.check()
    kept = None if dry_run else write
    origin = Origin(user, IMPORT)
    return _read(
        *(adapter, paths, options, progress, tables, errors, origin, kept),
        dry_run=dry_run,
    )


def _read(
    adapter: StorageAdapter,
    paths: Sequence[Path],
    options: ReadingOptions,
    progress: Callable[[IO[bytes]], None] | None,
    tables: Mapping[Path, Table] | None,
    errors: FileErrors | None,
    origin: Origin,
    write: Write | None,
    *,
    dry_run: bool,
) -> ImportResult:
    points = SamplePoints(adapter, options)
    files = HisFiles(points, tables, errors)
    streams = dry_run or write is not None or adapter.database is not None
    batch = _Batch(adapter, points, files.errors, origin, write, dry_run=dry_run)
    for path in paths:
        for run in files.runs(path, progress):
            batch.add(path, run)
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
        origin: Origin,
        write: Write | None,
        *,
        dry_run: bool,
    ) -> None:
        self.adapter, self.points, self.errors = adapter, points, errors
        self.write_part = write
        self.dry_run = dry_run
        self.size = self.stored = 0
        self.origin = origin
        self.runs: dict[str, list[tuple[Path, SampleRun]]] = defaultdict(list)
        self.times: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.removed: dict[str, set[int]] = defaultdict(set)

    def add(self, path: Path, run: SampleRun) -> None:
        self.runs[run.id].append((path, run))
        self.size += len(run.times)
        self.times[run.id].extend(run.times)
        if not run.is_plain or self.removed:
            removed = self.removed[run.id]
            for time, value in zip(run.times, run.values, strict=True):
                (removed.add if value is REMOVE else removed.discard)(time)

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
        self.runs.clear()
        self.size = 0

    def _store(self) -> None:
        every = [run for runs in self.runs.values() for _, run in runs]
        streams = self.write_part is not None or self.adapter.database is not None
        for part in _parts(every) if streams else [every]:
            runs: dict[str, list[SampleRun]] = defaultdict(list)
            for run in part:
                runs[run.id].append(run)
            samples = {id: _samples(self.points[id], runs[id]) for id in runs}
            if self.write_part is not None:
                self.write_part(samples)
            else:
                self.adapter.his_write_all(samples, origin=self.origin)
            if streams:
                self.adapter.let_others_write()
                self.stored += sum(len(run.times) for run in part)

    def _check_all(self) -> None:
        for id, runs in self.runs.items():
            for path, run in runs:
                self._check(self.points[id], path, run)

    def _check(self, point: HisPoint, path: Path, run: SampleRun) -> None:
        """Add the errors of invalid samples with their positions."""
        samples = _samples(point, [run])
        if is_valid(point, samples):
            return
        try:
            checked(point, samples)
        except InvalidSample:
            pass
        else:
            return
        for position, sample in zip(run.positions, samples, strict=True):
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
            if (interval := _usual(times)) is not None:
                result.intervals[id] = interval
        return result


def _samples(
    point: HisPoint, runs: Sequence[SampleRun]
) -> Sequence[Sample] | SampleColumn:
    times = [time for run in runs for time in run.times]
    values = [value for run in runs for value in run.values]
    if point.kind == "Number" and all(run.is_plain for run in runs):
        return SampleColumn(point.tz, times, values, point.unit)
    return [
        (
            DateTime(instant_of(time), point.tz),
            Number(value, point.unit) if type(value) is float else value,
        )
        for time, value in zip(times, values, strict=True)
    ]


def _parts(runs: Iterable[SampleRun]) -> Iterator[list[SampleRun]]:
    """What is written in a transaction each."""
    part: list[SampleRun] = []
    size = 0
    for run in runs:
        start = 0
        while start < len(run.times):
            piece = run.part(start, start + _BATCH - size)
            part.append(piece)
            start, size = start + len(piece.times), size + len(piece.times)
            if size >= _BATCH or len(part) >= _POINTS:
                yield part
                part, size = [], 0
    if part:
        yield part


def _usual(times: array[int]) -> int | None:
    """The median distance of the first samples; None without two times."""
    first = sorted(set(times[:_FIRST]))
    distances = [next - one for one, next in pairwise(first)]
    return median_low(distances) if distances else None


def _distinct(times: array[int]) -> int:
    """The number of different times, without a set if they are in order."""
    rising = all(one <= next for one, next in pairwise(times))
    if rising or all(one >= next for one, next in pairwise(times)):
        return 1 + sum(one != next for one, next in pairwise(times))
    return len(set(times))
