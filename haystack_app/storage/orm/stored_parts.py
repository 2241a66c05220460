"""Parts of samples that are stored, for the buckets that consist of them.

Stored are local days, and hours of points with many samples. A part is valid unless a
mark touches it: a reader that sees a sample sees its mark, too, for both are written by
the same statement.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from operator import itemgetter
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.buckets import EARLIEST, LATEST, Interval, buckets
from ...folds.exact import ExactSum
from ...folds.parts import FloatSum, Part
from ...folds.rollup import Rollup
from ...kinds.scalars import Number
from ...kinds.timezones import zone_of
from ...sql import usual_parts
from ...sql.arrays import text_array
from ...sql.fold_parts import POSTGRES, SQLITE
from .fold_statements import Key, PlacedPart, part_of_numbers, sample_of, time_text
from .sqlite_history import sqlite_text

__all__ = ["DAY", "HOUR", "INTERVALS", "StoredParts", "merged_ranges", "zone_key"]

DAY, HOUR = 24, 1
"""Hours of a part, as they are stored; a day may have more or fewer."""
INTERVALS = {
    DAY: Interval.of(Number(1, "day")),
    HOUR: Interval.of(Number(1, "hr")),
}
_MOST_MARKS = 10_000
_MOST_PIECES = 1_000
_ALWAYS = 2**62
_Range = tuple[int, int]


def zone_key(tz: str) -> str:
    """The zone and the version of its rules, which say where days begin."""
    return f"{zone_of(tz).key} {_rules_version()}"


@cache
def _rules_version() -> str:
    return version("tzdata")  # reads a file


def _hours_for(interval: Interval) -> int | None:
    """The parts that buckets of an interval are composed of, if any."""
    if not interval.is_part_of_day:
        return DAY
    return HOUR if interval.size == INTERVALS[HOUR].size else None


@dataclass(frozen=True, slots=True)
class StoredParts:
    """What is stored for the roll-ups of points.

    ``marks`` has, for the place of each point that has parts, the ranges that changed
    since. ``dropped`` has the ends of dropped samples, before which nothing changes.
    """

    connection: BaseDatabaseWrapper
    hours: int
    marks: dict[int, list[_Range]]
    dropped: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        connection: BaseDatabaseWrapper,
        ids: Sequence[str],
        rollup: Rollup,
    ) -> StoredParts:
        marks: dict[int, list[_Range]] = {}
        dropped: dict[int, int] = {}
        hours = _hours_for(rollup.interval)
        if hours is None:
            return cls(connection, 0, marks)
        zone = zone_key(rollup.tz)
        params = {"zone": zone, "hours": hours, "limit": _MOST_MARKS + 1}
        bounds = [rollup.start, min(rollup.end, LATEST)]
        rows = list(_rows(connection, "marks", ids, bounds, params))
        is_cheaper = len(rows) > _MOST_MARKS  # to read the samples
        for n, first, last, key, end in rows:
            if end is not None:
                if key.split()[0] != zone.split()[0]:
                    continue
                dropped[n - 1] = end
                if key != zone or is_cheaper:
                    first, last = -_ALWAYS, _ALWAYS
            found = marks.setdefault(n - 1, [])
            if first is not None:
                found.append(_after(dropped.get(n - 1), first, last))
        if is_cheaper:
            marks = {place: marks[place] for place in dropped}
        merged = {place: merged_ranges(found) for place, found in marks.items()}
        return cls(connection, hours, merged, dropped)

    @classmethod
    def unchanged(
        cls, connection: BaseDatabaseWrapper, rollup: Rollup
    ) -> StoredParts | None:
        """Of one point without marks; None if its buckets do not consist of parts."""
        hours = _hours_for(rollup.interval)
        return None if hours is None else cls(connection, hours, {0: []})

    def edges(self, rollup: Rollup) -> PartEdges | None:
        """Where buckets that are longer than parts are cut into pieces."""
        part = INTERVALS.get(self.hours)
        if part is None or rollup.interval.size <= part.size:
            return None
        changed = merged_ranges(one for found in self.marks.values() for one in found)
        times = [rollup.start, rollup.end, *self.dropped.values()]
        if len(changed) <= _MOST_PIECES:
            times += (time for one in changed for time in one)
        return PartEdges(part, rollup.tz, times)

    def is_valid(self, place: int, low: int, high: int) -> bool:
        """Whether no sample changed from ``low`` to ``high``, both included."""
        marks = self.marks[place]
        at = bisect_right(marks, high, key=itemgetter(0))
        return at == 0 or marks[at - 1][1] < low

    def usual(
        self, statement: str, ids: Sequence[str], low: int, high: int
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement of ``sql.usual_parts``, both bounds included."""
        if self.connection.vendor == "postgresql":
            sql = getattr(usual_parts.POSTGRES, statement)
            params = text_array(ids), time_text(low), time_text(high)
        else:
            sql = getattr(usual_parts.SQLITE, statement)
            params = orjson.dumps(ids).decode(), sqlite_text(low), sqlite_text(high)
        named = dict(zip(("ids", "low", "high"), params, strict=True))
        with self.connection.cursor() as cursor:
            cursor.execute(sql, {**named, "hours": self.hours})
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def numbers(
        self, ids: Sequence[str], edges: Sequence[int], side: int
    ) -> Iterator[list[Any]]:
        """Place of a point, the edge a bucket begins at, and columns of ``numbers``.

        ``side`` is 1 for buckets that include their ends.
        """
        params = {"hours": self.hours, "buckets": len(edges) - 1}
        shifted = [edge + side for edge in edges]
        rows = _rows(self.connection, "numbers", ids, shifted, params, edges)
        return ([n - 1, edges[bucket - 1], *row] for n, bucket, *row in rows)

    def read(
        self,
        key: Key,
        ids: Sequence[str],
        edges: Sequence[int],
    ) -> Iterator[tuple[PlacedPart, bool]]:
        """Parts as ``read_parts`` returns them; whether one has infinite numbers."""
        if key.statement in ("regular", "numbers"):
            places = {edge: at for at, edge in enumerate(edges)}
            for n, edge, *row, is_infinite in self.numbers(ids, edges, key.side):
                yield (n, places[edge], part_of_numbers(row)), bool(is_infinite)
            return
        params = {"hours": self.hours}
        bucket = place = 0
        for n, start, *row in _rows(
            self.connection, "parts", ids, edges, params, edges
        ):
            if n - 1 != place:
                place, bucket = n - 1, 0
            while bucket + 1 < len(edges) and edges[bucket + 1] <= start:
                bucket += 1
            head, part, is_infinite = _parts(key.statement, start, row)
            is_first = start == edges[bucket]
            if head is not None:
                at = bucket - 1 if is_first and key.side else bucket
                if 0 <= at < len(edges) - 1:
                    yield (place, at, head), False
            if part is not None and bucket < len(edges) - 1:
                yield (place, bucket, part), is_infinite


def _after(dropped: int | None, first: int, last: int) -> _Range:
    """The range as far as it is after dropped samples.

    What is dropped ends with the sample at the instant itself, for buckets that include
    their end; a write of it folds at once.
    """
    if dropped is None:
        return first, last
    return max(first, dropped + 1), max(last, dropped + 1)


class PartEdges:
    """The bounds of the parts that some instants are in."""

    def __init__(self, part: Interval, tz: str, times: Iterable[int]) -> None:
        self._part, self._tz = part, tz
        found = (edge for time in times for edge in self._around(time))
        self._edges = sorted(set(found))

    def _around(self, time: int) -> tuple[int, ...]:
        if not EARLIEST <= time <= LATEST:
            return ()
        return next(buckets(self._part, self._tz, time))

    def between(self, low: int, high: int) -> list[int]:
        """Those inside a bucket, in order."""
        first, last = bisect_right(self._edges, low), bisect_left(self._edges, high)
        return self._edges[first:last]

    def has(self, time: int) -> bool:
        """Whether an instant is the bound of a part."""
        return time in self._around(time)[:1]


def merged_ranges(ranges: Iterable[_Range]) -> list[_Range]:
    """Ranges in order, which do not overlap."""
    merged: list[_Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _rows(
    connection: BaseDatabaseWrapper,
    name: str,
    ids: Sequence[str],
    bounds: Sequence[int],
    params: dict[str, Any],
    edges: Sequence[int] = (),
) -> Iterator[Any]:
    """``edges`` are the bounds of parts, and ``bounds`` those of buckets."""
    ends = edges or bounds
    if connection.vendor == "postgresql":
        sql = getattr(POSTGRES, name)
        texts = [time_text(bound) for bound in bounds]
        more = {"ids": text_array(ids), "bounds": text_array(texts)}
        more |= {"before": time_text(ends[0]), "high": time_text(ends[-1])}
    else:
        sql = getattr(SQLITE, name)
        texts, plain = (list(map(sqlite_text, one)) for one in (bounds, ends))
        spans = [
            (*span, *of_parts)
            for span, of_parts in zip(pairwise(texts), pairwise(plain), strict=True)
        ]
        more = {
            "ids": orjson.dumps(ids).decode(),
            "spans": orjson.dumps(spans).decode(),
        }
        more |= {"before": plain[0], "high": plain[-1]}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **more})
        yield from cursor.fetchall()


def _parts(
    statement: str, start: int, row: Sequence[Any]
) -> tuple[Part | None, Part | None, bool]:
    """The sample at the start, the samples after it, and whether one is infinite."""
    has_head, val, obj, count, na, nan, *ends = row
    first, last, weights = ends[:3], ends[3:6], ends[6:]
    held, line, (begin, end, is_infinite, drops) = (
        weights[:3],
        weights[3:6],
        weights[6:],
    )
    head = None
    if has_head and (value := sample_of(start, val, obj)):
        head = Part.of([value], is_linear=False)
    if not count:
        return head, None, False
    if statement == "counter":
        rise = None if begin is None else ExactSum.counted(begin, end, int(drops or 0))
        part = Part(count, na, nan, start=begin, end=end, rise=rise)
        return head, part, bool(is_infinite)
    small, huge, known = line if statement == "linear" else held
    part = Part(
        count,
        na,
        nan,
        first=sample_of(*first),
        last=sample_of(*last),
        area=FloatSum(small, huge),
        known=known,
    )
    return head, part, bool(is_infinite)
