"""What an import tells people: the files, the points and the counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.display import and_more
from ..storage.base import StorageAdapter
from .his_import import ImportResult
from .his_points import ReadingOptions, SamplePoints
from .tables.description import description
from .tables.interval_ends import without_mode
from .tables.options import TableOptions

__all__ = ["points_without_mode", "summary", "understood_lines"]

_LISTED = 50
_SHOWN = ("dis", "kind", "unit", "tz")


def understood_lines(
    adapter: StorageAdapter,
    result: ImportResult,
    reading: ReadingOptions,
    table: TableOptions,
) -> Iterator[str]:
    """What was understood, and what each point gets."""
    for reader in result.readers.values():
        yield from description(reader, reading.tz)
    modes = points_without_mode(adapter, result, reading, table)
    for one in modes[:_LISTED]:
        yield f"{one['id']} gets hisMode {one['hisMode']}"
    yield from and_more(len(modes) - _LISTED, "points")
    made = [tags for id, tags in reading.planned.items() if id in result.points]
    for tags in made[:_LISTED]:
        shown = [str(tags[name]) for name in _SHOWN if name in tags]
        yield f"new point {tags['id']}: {', '.join(shown)}"
    yield from and_more(len(made) - _LISTED, "new points")
    points = SamplePoints(adapter, reading)
    for id, (first, last, count) in sorted(result.extents.items())[:_LISTED]:
        city = points[id].tz
        yield f"@{id}: {count:,} samples, {_time(first, city)} to {_time(last, city)}"
    yield from and_more(len(result.extents) - _LISTED, "points")


def points_without_mode(
    adapter: StorageAdapter,
    result: ImportResult,
    reading: ReadingOptions,
    table: TableOptions,
) -> list[dict[str, Any]]:
    """The tags that points of amounts get."""
    if table.stamps is None:
        return []
    return without_mode(SamplePoints(adapter, reading), result.points)


def _time(microseconds: int, city: str) -> str:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return DateTime(epoch + dt.timedelta(microseconds=microseconds), city).iso


def summary(result: ImportResult, left_out: int = 0) -> str:
    counts = [f"{result.rows:,} rows", f"{result.samples:,} samples"]
    if result.repeated:
        counts.append(f"{result.repeated:,} repeated times, last one kept")
    if result.removed:
        counts.append(f"{result.removed:,} removed")
    if left_out:
        counts.append(f"{left_out:,} invalid rows left out")
    of = " of" if len(counts) == 2 else ";"
    origin = f"{len(result.points):,} points from {result.files:,} files"
    return f"{', '.join(counts)}{of} {origin}"
