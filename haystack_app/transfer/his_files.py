"""Files of samples: CSV in rows or in columns, and history grids.

CSV rows have the columns ``ts``, ``id`` and ``val`` in any order, and optionally
``unit``. CSV columns are ``ts`` and one column per point, whose header is the point's
id; a unit in brackets may follow, as in ``@ahu-1.temp (°F)``. Grids (Zinc, JSON, Trio)
have the form of hisWrite requests: ``id`` in the meta with the columns ``ts`` and
``val``, or ``ts`` and columns with an ``id`` in their meta, and optionally a ``unit``.
Answers of hisRead are read in every format. Other tables (.csv, .tsv, .txt) are those
that building systems export: their form is found and printed. All may be packed (.gz).
Parquet has the columns ``id``, ``ts`` and ``val``, and optionally ``text`` and
``unit``. A folder is one that haystack_export wrote, or one of such files; - is
standard input.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from ..kinds.series import microseconds_of
from ..kinds.timezones import zone_of
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .entity_files import GRID_SUFFIXES, read_grid
from .his_csv import CsvSample, csv_samples
from .his_grids import grid_samples
from .his_parquet import parquet_samples
from .his_points import SamplePoints
from .occurrences import RowOrder
from .sample_runs import RunBlock, RunCollector, SampleRun
from .tables.reader import TableReader
from .tables.source import TABLE_SUFFIXES, suffix_of, unpacked_text
from .tables.understanding import Table
from .timestamps import fixed_offset

__all__ = ["HIS_SUFFIXES", "HisFiles"]

_PARQUET = ".parquet"
HIS_SUFFIXES = (*TABLE_SUFFIXES, *GRID_SUFFIXES, ".trio", _PARQUET)
_COLLECTED = 16_384
_NAMED = 100
"""Rows that an error names."""


class HisFiles:
    """Reads files and counts their rows; ``errors`` has what is invalid in them.

    ``tables`` are the files that are read as tables of another system.
    """

    def __init__(
        self,
        points: SamplePoints,
        tables: Mapping[Path, Table] | None = None,
        errors: FileErrors | None = None,
    ) -> None:
        self.points = points
        self.tables = tables or {}
        self.errors = FileErrors() if errors is None else errors
        self.rows = 0
        self.readers: dict[Path, TableReader] = {}

    def runs(
        self, path: Path, progress: Callable[[IO[bytes]], None] | None = None
    ) -> Iterator[SampleRun]:
        """The samples of one file, those of a point in its order; CSV is streamed.

        Samples whose time the rest of the file decides come last. ``progress`` is
        called regularly with the open file.
        """
        suffix = suffix_of(path)
        if suffix not in HIS_SUFFIXES:
            endings = f"{', '.join(HIS_SUFFIXES[:-1])} or {HIS_SUFFIXES[-1]}"
            reason = f"the name must end in {endings}"
            self.errors.add(UnreadableFile(path, "", reason))
        elif suffix in TABLE_SUFFIXES:
            yield from self._csv(path, progress or (lambda _: None))
        elif suffix == _PARQUET:
            yield from self._parquet(path, progress or (lambda _: None))
        else:
            yield from self._grid(path)

    def _parquet(
        self, path: Path, progress: Callable[[IO[bytes]], None]
    ) -> Iterator[SampleRun]:
        collected = RunCollector()
        for found in parquet_samples(path, self.points, self.errors, progress):
            self.rows += 1
            time = microseconds_of(found.ts.utc)
            collected.add(found.column.point.id, found.row, time, found.value)
            if collected.size >= _COLLECTED:
                yield from collected.drain()
        yield from collected.drain()

    def _grid(self, path: Path) -> Iterator[SampleRun]:
        try:
            grid = read_grid(path, unpacked_text(path), self.errors)
        except UnreadableFile as err:
            self.errors.add(err)
            return
        collected = RunCollector()
        for found in grid_samples(path, grid, self.points, self.errors):
            self.rows += 1
            for row, column, ts, value in found:
                collected.add(column.point.id, row, microseconds_of(ts.utc), value)
        yield from collected.drain()

    def _csv(
        self, path: Path, progress: Callable[[IO[bytes]], None]
    ) -> Iterator[SampleRun]:
        orders: dict[str, RowOrder] = defaultdict(RowOrder)
        held: list[tuple[CsvSample, int]] = []
        left_out = self.errors.left_out.get(path, ())
        collected = RunCollector()
        for found in self._read(path, progress):
            if isinstance(found, RunBlock):
                self.rows += found.rows
                yield from collected.drain()
                for run in found.runs:
                    orders[run.id].extend(run.times)
                    yield run
                continue
            self.rows += 1
            for sample in found:
                if sample.line in left_out:
                    continue
                times = tuple(map(microseconds_of, sample.times))
                group = orders[sample.column.point.id].add(times)
                if group is None:
                    collected.add(
                        sample.column.point.id, sample.line, times[0], sample.value
                    )
                else:
                    held.append((sample, group))
            if collected.size >= _COLLECTED:
                yield from collected.drain()
        if held:
            for sample, time in self._held(path, held, orders):
                collected.add(sample.column.point.id, sample.line, time, sample.value)
        yield from collected.drain()

    def _read(
        self, path: Path, progress: Callable[[IO[bytes]], None]
    ) -> Iterator[list[CsvSample] | RunBlock]:
        if path not in self.tables:
            return csv_samples(path, self.points, self.errors, progress)
        reader = self.readers[path] = TableReader(self.tables[path], self.errors)
        return reader.samples(progress)

    def _held(
        self,
        path: Path,
        held: list[tuple[CsvSample, int]],
        orders: dict[str, RowOrder],
    ) -> Iterator[tuple[CsvSample, int]]:
        """Samples with two possible times.

        A cell of a point with gaps has the time of its row, if the order of another
        point shows it.
        """
        times = {id: order.decided() for id, order in orders.items()}
        found = [times[one.column.point.id][group] for one, group in held]
        of_rows = {
            (sample.line, sample.times): ts
            for (sample, _), ts in zip(held, found, strict=True)
            if ts is not None
        }
        undecided = []
        for (sample, _), ts in zip(held, found, strict=True):
            own = of_rows.get((sample.line, sample.times)) if ts is None else ts
            at = self._chosen(sample) if own is None else own
            if at is None:
                undecided.append(sample)
            else:
                yield sample, at
        if undecided:
            self.errors.add(UnreadableFile(path, "", _question(undecided)))

    def _chosen(self, sample: CsvSample) -> int | None:
        dst = self.points.options.dst
        if dst is None:
            return None
        return microseconds_of(sample.times[0 if dst == "first" else -1])


def _question(samples: list[CsvSample]) -> str:
    zones = sorted({_zone(sample) for sample in samples})
    lines = sorted({sample.line for sample in samples})
    named = ", ".join(map(str, lines[:_NAMED]))
    more = f" and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    return (
        f"{len(lines):,} rows have a local time that occurs twice in"
        f" {', '.join(zones)}, because clocks go back, and the order of the rows does"
        f" not show which one is meant: line{'s' if len(lines) > 1 else ''} {named}"
        f"{more}; add offsets to the times, or choose with --dst first or --dst second;"
        f" for a logger that stays on standard time, {_standard_time(samples[0])}"
    )


def _standard_time(sample: CsvSample) -> str:
    """The offset of the second occurrence is that of standard time."""
    local = sample.times[-1].astimezone(zone_of(_zone(sample)))
    return fixed_offset(local.utcoffset() or dt.timedelta(0))


def _zone(sample: CsvSample) -> str:
    return sample.column.options.tz or sample.column.point.tz
