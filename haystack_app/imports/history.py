"""A file of samples: what is understood of it, and its import in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..kinds.datetimes import iso_text
from ..kinds.series import instant_of
from ..kinds.timezones import UnknownTimeZone, zone_of
from ..storage.base import StorageAdapter
from ..storage.errors import StorageError
from ..storage.samples import Batch
from ..transfer.his_import import ImportResult, Write, import_histories
from ..transfer.his_plan import left_out_rows, new_points, understood_tables
from ..transfer.his_points import ReadingOptions, SamplePoints
from ..transfer.tables.interval_ends import without_mode
from ..transfer.tables.names import PointNames
from ..transfer.tables.options import TableOptions
from ..transfer.tables.saved_mapping import found_mapping
from ..transfer.tables.source import TABLE_SUFFIXES, sheet_paths, suffix_of
from ..transfer.tables.understanding import Table
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .corrections import HISTORY, Corrections
from .errors import reason_of, sheet_of
from .facts import columns_found, table_facts
from .inspection import inspected

__all__ = ["CheckedHistory", "HistoryFile"]

_POINTS = 500
Progress = Callable[[IO[bytes]], None]
Report = Callable[[UnreadableFile], object]


@dataclass(slots=True)
class HistoryFile:
    """Raises UnreadableFile, or ValueError for corrections that do not fit."""

    store: StorageAdapter
    path: Path
    corrections: Corrections
    paths: list[Path] = field(init=False)
    table: TableOptions = field(init=False)
    planned: dict[str, dict[str, Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        given = self.corrections
        if given.tz is not None:
            _check_zone(given.tz)
        self.paths = sheet_paths(self.path, given.sheets)
        self.table = given.table()
        if given.create:
            places = {"site": given.site, "equip": given.equip}
            new = new_points(self.store, self.table, tz=given.tz, **places)
            self.planned = new.planned
            self.table = self.table._replace(new=new.add)

    @property
    def reading(self) -> ReadingOptions:
        return self.corrections.reading(self.planned)

    def check(self, report: Report, progress: Progress) -> CheckedHistory:
        """Read all of it and store nothing; ``report`` gets every error.

        Raises UnreadableFile if a table is not understood.
        """
        errors = FileErrors(report)
        tables = understood_tables(
            self.store, self.paths, self.reading, self.table, errors
        )
        result = import_histories(
            self.store,
            self.paths,
            options=self.reading,
            tables=tables,
            progress=progress,
            errors=errors,
            dry_run=True,
        )
        return CheckedHistory(self, tables, errors, result)

    def inspected(self) -> list[dict[str, Any]]:
        """The sheets, with their columns, also of tables that are not understood."""
        points = SamplePoints(self.store, self.reading)
        names = PointNames(points, self.table.mapping)
        found = []
        for path in self.paths:
            if suffix_of(path) not in TABLE_SUFFIXES:
                continue
            sheet = sheet_of(path) or None
            try:
                found.append({"sheet": sheet, **inspected(path, names, self.table)})
            except UnreadableFile as err:
                found.append({"sheet": sheet, "problem": reason_of(err)})
        return found


@dataclass(slots=True)
class CheckedHistory:
    """A file that was read to its end, with its errors."""

    file: HistoryFile
    tables: Mapping[Path, Table]
    errors: FileErrors
    result: ImportResult
    points: SamplePoints = field(init=False)

    def __post_init__(self) -> None:
        self.points = SamplePoints(self.file.store, self.file.reading)

    def left_out(self) -> dict[Path, set[int]]:
        """The invalid rows, if so many may be left out. Raises ValueError."""
        allowed = self.file.corrections.skip_bad
        return left_out_rows(self.errors, self.result.rows, allowed)

    def may_start(self) -> bool:
        """Whether there is something to store, and few enough invalid rows.

        Raises ValueError for an invalid number of rows to leave out.
        """
        try:
            self.left_out()
        except UnreadableFile:
            return False
        return bool(self.result.points)

    def check_late(self) -> None:
        """Raises InvalidSample for samples where those of before were dropped."""
        for id, (first, _, _) in self.result.extents.items():
            self.file.store.check_late(self.points[id], Batch({first: None}, []))

    @property
    def new_points(self) -> list[dict[str, Any]]:
        planned = self.file.planned
        return [tags for id, tags in planned.items() if id in self.result.points]

    def points_without_mode(self) -> list[dict[str, Any]]:
        """The tags that points of amounts get."""
        if self.file.table.stamps is None:
            return []
        return without_mode(self.points, self.result.points)

    def mapping(self) -> dict[str, Any] | None:
        """What was understood, as a mapping; None if headers mean several points."""
        try:
            found = found_mapping(self.result.readers.values(), self.file.table.mapping)
        except ValueError:
            return None
        return {
            header: {
                "id": one.id,
                **({"unit": one.unit} if one.unit else {}),
                **({"factor": one.factor} if one.factor != 1 else {}),
            }
            if one.id
            else None
            for header, one in found.items()
        }

    def store(self, write: Write, progress: Progress) -> ImportResult:
        """Store the samples by ``write``. Raises ValueError."""
        return import_histories(
            self.file.store,
            self.file.paths,
            options=self.file.reading,
            tables=self.tables,
            progress=progress,
            errors=FileErrors(left_out=self.left_out()),
            is_checked=True,
            write=write,
        )

    def as_times(self) -> tuple[str | None, str | None]:
        """The first and the last time, as ISO 8601."""
        extents = self.result.extents.values()
        first = min((one[0] for one in extents), default=None)
        return _time(first), _time(max((one[1] for one in extents), default=None))

    def as_json(self, sheets: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What is understood; ``sheets`` are those of ``inspected``."""
        result, (first, last) = self.result, self.as_times()
        extents = sorted(result.extents.items())[:_POINTS]
        ids = [id for id, _ in extents]
        records = zip(ids, self.file.store.read_by_ids(ids), strict=True)
        planned = self.file.planned
        known = {
            id: record or planned.get(id) or self.points.record(id)
            for id, record in records
        }
        return {
            "kind": HISTORY,
            "tables": self._tables(sheets),
            "points": [self._point(known[id], id, *extent) for id, extent in extents],
            "newPoints": len(self.new_points),
            "counts": {
                "rows": result.rows,
                "points": len(result.points),
                "samples": result.samples,
                "repeated": result.repeated,
                "removed": result.removed,
            },
            "first": first,
            "last": last,
            "hisMode": [one["id"].id for one in self.points_without_mode()[:_POINTS]],
        }

    def _tables(self, sheets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What a person sees of each table, and what its reader found."""
        tz, planned = self.file.corrections.tz, self.file.planned
        readers = {
            sheet_of(path) or None: reader
            for path, reader in self.result.readers.items()
        }
        found = []
        for one in sheets:
            if (reader := readers.get(one["sheet"])) is None:
                found.append(one)
                continue
            points = columns_found(reader, planned)
            rows = {
                name: [row | points.get(row["header"], {}) for row in one.get(name, [])]
                for name in ("columns", "names")
            }
            found.append(one | rows | table_facts(reader, tz))
        return found

    def _point(
        self, record: Mapping[str, Any], id: str, first: int, last: int, samples: int
    ) -> dict[str, Any]:
        interval = self.result.intervals.get(id)
        return {
            "id": id,
            "dis": str(record.get("dis", id)),
            "unit": record.get("unit"),
            "isNew": id in self.file.planned,
            "samples": samples,
            "first": _time(first),
            "last": _time(last),
            "interval": None if interval is None else interval / 1e6,
        }


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso_text(instant_of(microseconds))


def _check_zone(tz: str) -> None:
    try:
        zone_of(tz)
    except UnknownTimeZone as err:
        raise StorageError(f"tz: {err}; use a city such as New_York") from None
