"""Folding of changed samples to stored parts, some at a time.

One process folds at a time, so that no older state of the samples is stored over a
newer one: samples are read after the marks, and only marks that were read are deleted.
Those of writers that commit meanwhile stay. All of it is one transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from statistics import median_low
from typing import NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max, Min

from ...folds.buckets import buckets
from ...folds.exact import ExactSum
from ...folds.parts import Part
from ...kinds.scalars import Number
from ...kinds.series import instant_of, microseconds_of
from ...models import Entity, FoldMark, FoldPart, FoldPoint, HisSample
from ...wire import hayson_writer
from ...wire.record import Record
from ..backend import StorageBackend
from ..errors import NotHistorized
from ..samples import HisPoint
from .fold_statements import Key, read_parts
from .history import extents
from .locks import locked_for_folding, try_to_fold
from .stored_parts import DAY, HOUR, INTERVALS, merged_ranges, zone_key

__all__ = ["fold_dirty", "fold_now", "fold_point", "mark_all"]

_MARKS = 1_000
"""Of a point, that are read at a time."""
_POINTS = 500
"""Entities that are looked at together for histories without parts."""
_SAMPLES = 100
"""So many are as much work as a bucket."""
_RECENT = 100
_DENSE = 15 * 60 * 1_000_000
"""Points have parts by hour if their usual interval is less."""
_DAY = 86_400_000_000
_LONGEST_DAY = 2 * _DAY
_ALWAYS = instant_of(-2_208_988_800_000_000), instant_of(253_402_214_400_000_000)
_Mark = tuple[int, int, int]
"""Id, first and last time in microseconds."""


def fold_dirty(
    store: StorageBackend, connection: BaseDatabaseWrapper, limit: int
) -> int:
    """Fold about ``limit`` buckets; returns the number, 0 if nothing was to do."""
    marks = FoldMark.objects.using(connection.alias).order_by("id")
    if not marks.exists():  # the usual case, checked each second
        return 0
    done = 0
    with transaction.atomic(using=connection.alias):
        if not try_to_fold(connection):
            return 0
        while done < limit and (mark := marks.first()) is not None:
            if mark.point_id.startswith(FoldMark.ALL_AFTER):
                done += _mark_next(store, connection, mark)
            else:
                done += _Work(store, connection, mark.point_id).fold(limit - done)
    return done


def fold_point(store: StorageBackend, connection: BaseDatabaseWrapper, id: str) -> None:
    """Fold all that changed of a point, in a transaction that holds the folding."""
    marks = FoldMark.objects.using(connection.alias)
    points = FoldPoint.objects.using(connection.alias)
    if not points.filter(point_id=id).exists():
        mark_all(connection.alias, [id])
    while marks.filter(point_id=id).exists():
        _Work(store, connection, id).fold(_MARKS)


def fold_now(store: StorageBackend, connection: BaseDatabaseWrapper, id: str) -> None:
    """As ``fold_point``, for a caller that does not hold the folding yet."""
    with transaction.atomic(using=connection.alias):
        locked_for_folding(connection)
        fold_point(store, connection, id)


def mark_all(using: str, ids: Sequence[str]) -> None:
    """Mark the whole histories of points."""
    first, last = _ALWAYS
    FoldMark.objects.using(using).bulk_create(
        FoldMark(point_id=id, first=first, last=last) for id in ids
    )


def _mark_next(
    store: StorageBackend, connection: BaseDatabaseWrapper, mark: FoldMark
) -> int:
    """Mark the next points of a mark for all points."""
    using = connection.alias
    after = mark.point_id.removeprefix(FoldMark.ALL_AFTER)
    rows = Entity.objects.using(store.database)
    entities = rows.filter(id__gt=after).order_by("id")
    ids = list(entities.values_list("id", flat=True)[:_POINTS])
    found = zip(ids, extents(connection, ids, None), strict=True)
    mark_all(using, [id for id, (_, last) in found if last is not None])
    if len(ids) < _POINTS:
        mark.delete()
    else:
        mark.point_id = FoldMark.ALL_AFTER + ids[-1]
        mark.save(using=using)
    return _POINTS


class _Extent(NamedTuple):
    """Between which times samples or stored parts are, and samples of a day."""

    first: int
    last: int
    samples: int


@dataclass(slots=True)
class _Work:
    """Folding of one point."""

    store: StorageBackend
    connection: BaseDatabaseWrapper
    id: str

    def fold(self, limit: int) -> int:
        """Fold some buckets, at least one day; returns the work that was done."""
        [record] = self.store.read_by_ids([self.id])
        tz = None if record is None else _zone(record)
        if tz is None:
            # a point may become one again: what was dropped must not be lost
            return self._forget() if record is None else self._wait()
        if done := self._fold_few(tz):
            return done
        extent = self._extent()
        if extent is None:
            return self._forget()
        point = self._state(tz, is_dense=extent.samples > _DAY // _DENSE)
        marks = self._marks()
        days = self._days(tz, marks, extent, point.dropped)
        cost = 1 + extent.samples // _SAMPLES + (24 if point.hourly else 0)
        some = days[: max(1, limit // cost)]
        for run in _neighbours(some):
            self._store(DAY, run)
            if point.hourly:
                self._fold_hours(tz, run, marks)
        covered = some[-1][1] if len(some) < len(days) else None
        self._clear(marks, covered)
        return 1 + cost * len(some)

    def _fold_few(self, tz: str) -> int:
        """Fold the days that few samples changed; 0 if more must be looked at.

        That is the usual case. Where the history begins and ends, and how dense it is,
        takes statements that are planned for all of its chunks.
        """
        marks = self._marks()
        points = FoldPoint.objects.using(self.connection.alias)
        point = points.filter(point_id=self.id).first()
        if not marks or point is None or point.zone != zone_key(tz):
            return 0
        extent = _Extent(marks[0][1], max(last for _, _, last in marks), 0)
        if extent.last - extent.first > _LONGEST_DAY:
            return 0
        days = self._days(tz, marks, extent, point.dropped)
        counts = [count for run in _neighbours(days) for count in self._store(DAY, run)]
        if not counts or (not point.hourly and max(counts) > _DAY // _DENSE):
            return 0
        if point.hourly:
            for run in _neighbours(days):
                self._fold_hours(tz, run, marks)
        self._clear(marks, None)
        cost = 1 + max(counts) // _SAMPLES + (24 if point.hourly else 0)
        return 1 + cost * len(days)

    def _wait(self) -> int:
        """Delete all but the days whose samples were dropped."""
        points = FoldPoint.objects.using(self.connection.alias)
        point = points.filter(point_id=self.id).first()
        if point is None or point.dropped is None:
            return self._forget()
        self._forget(point.dropped)
        point.save(using=self.connection.alias, force_insert=True)
        return 1

    def _forget(self, before: dt.datetime | None = None) -> int:
        """Delete all that is stored of the point, except for days before an instant."""
        using = self.connection.alias
        parts = FoldPart.objects.using(using).filter(point_id=self.id)
        if before is not None:
            parts = parts.filter(start__gte=before)
        parts._raw_delete(using)
        for model in (FoldMark, FoldPoint):
            rows = model.objects.using(using).filter(point_id=self.id)
            rows._raw_delete(using)
        return 1

    def _extent(self) -> _Extent | None:
        using = self.connection.alias
        samples = HisSample.objects.using(using).filter(point_id=self.id)
        parts = FoldPart.objects.using(using).filter(point_id=self.id)
        ends = parts.aggregate(first=Min("start"), last=Max("start"))
        recent = samples.order_by("-ts").values_list("ts", flat=True)[: _RECENT + 1]
        times = [microseconds_of(ts) for ts in recent]
        oldest = samples.order_by("ts").values_list("ts", flat=True).first()
        if oldest is not None:
            times.append(microseconds_of(oldest))
        steps = [late - early for late, early in pairwise(times[: _RECENT + 1])]
        found = list(times)
        if ends["first"] and ends["last"]:
            end = microseconds_of(ends["last"]) + _LONGEST_DAY
            found += [microseconds_of(ends["first"]), end]
        if not found:
            return None
        usual = median_low(steps[:_RECENT]) if len(steps) > 1 else _DAY
        return _Extent(min(found), max(found), _DAY // max(1, usual))

    def _state(self, tz: str, *, is_dense: bool) -> FoldPoint:
        """The row of the point. Nothing stays of another zone, or without hours.

        Days whose samples were dropped stay as they are.
        """
        rows = FoldPoint.objects.using(self.connection.alias)
        point = rows.filter(point_id=self.id).first()
        zone = zone_key(tz)
        if point and point.zone == zone and point.hourly >= is_dense:
            return point
        is_hourly = is_dense or bool(point and point.hourly)
        dropped = point.dropped if point else None
        self._forget(dropped)
        point = FoldPoint(
            point_id=self.id, zone=zone, hourly=is_hourly, dropped=dropped
        )
        point.save(using=self.connection.alias, force_insert=True)
        mark_all(self.connection.alias, [self.id])
        return point

    def _marks(self) -> list[_Mark]:
        marks = FoldMark.objects.using(self.connection.alias).filter(point_id=self.id)
        rows = marks.order_by("first").values_list("id", "first", "last")[:_MARKS]
        return [(id, *map(microseconds_of, ends)) for id, *ends in rows]  # type: ignore[misc]

    def _days(
        self,
        tz: str,
        marks: Sequence[_Mark],
        extent: _Extent,
        dropped: dt.datetime | None,
    ) -> list[tuple[int, int]]:
        """The days that the marks touch, in order; not those that were dropped."""
        days: list[tuple[int, int]] = []
        if dropped is not None:
            first = max(extent.first, microseconds_of(dropped))
            extent = extent._replace(first=first)
        for first, last in merged_ranges(mark[1:] for mark in marks):
            low, high = max(first, extent.first), min(last, extent.last)
            if days:
                low = max(low, days[-1][1])
            if low <= high:
                found = buckets(INTERVALS[DAY], tz, low)
                days += takewhile(lambda day: day[0] <= high, found)  # noqa: B023
        return days

    def _fold_hours(
        self, tz: str, days: Sequence[tuple[int, int]], marks: Sequence[_Mark]
    ) -> None:
        """The hours of some days that the marks touch."""
        low, high = days[0][0], days[-1][1]
        hours: list[tuple[int, int]] = []
        for first, last in merged_ranges(mark[1:] for mark in marks):
            start, end = max(first, low), min(last, high - 1)
            if hours:
                start = max(start, hours[-1][1])
            if start <= end:
                found = buckets(INTERVALS[HOUR], tz, start)
                hours += takewhile(lambda hour: hour[0] <= end, found)  # noqa: B023
        for run in _neighbours(hours):
            self._store(HOUR, run)

    def _store(self, hours: int, spans: Sequence[tuple[int, int]]) -> list[int]:
        """Replace the parts of neighbouring buckets; their numbers of samples."""
        starts = [start for start, _ in spans]
        edges = [edge for start in starts for edge in (start, start + 1)]
        edges.append(spans[-1][1])
        found = self._read(edges)
        rows = FoldPart.objects.using(self.connection.alias)
        first, last = instant_of(starts[0]), instant_of(starts[-1])
        old = rows.filter(
            point_id=self.id, hours=hours, start__gte=first, start__lte=last
        )
        old._raw_delete(self.connection.alias)
        made = [
            self._row(hours, start, 2 * place, found)
            for place, start in enumerate(starts)
            if {2 * place, 2 * place + 1} & found["numbers"].keys()
        ]
        rows.bulk_create(made)
        return [row.count for row in made]

    def _read(self, edges: Sequence[int]) -> dict[str, dict[int, list[Part]]]:
        """By statement and place; only the statements that find something are run."""
        found: dict[str, dict[int, list[Part]]] = {"linear": {}, "counter": {}}
        numbers = found["numbers"] = self._parts("numbers", edges)
        found["held"] = self._parts("held", edges) if numbers else {}
        if any(part.numbers for [part] in numbers.values()):
            for name in ("linear", "counter"):
                found[name] = self._parts(name, edges)
        return found

    def _parts(self, statement: str, edges: Sequence[int]) -> dict[int, list[Part]]:
        parts: dict[int, list[Part]] = {}
        key = Key(statement, 0)
        for _, at, part in read_parts(
            self.connection, self.store, key, [self.id], edges
        ):
            parts.setdefault(at, []).append(part)
        return parts

    def _row(
        self, hours: int, start: int, at: int, found: dict[str, dict[int, list[Part]]]
    ) -> FoldPart:
        """``at`` is the place of the sample at the start, if there is one.

        A writer may remove that after the first statement. Its mark stays.
        """
        row = FoldPart(point_id=self.id, hours=hours, start=instant_of(start))
        head = found["held"].get(at)
        row.has_head = head is not None
        if head is not None:
            [sample] = head
            value = Number(float("nan")) if sample.first is None else sample.first[1]
            row.head_val, row.head_obj = _columns(value)
        [part] = found["numbers"].get(at + 1) or [Part()]
        row.count, row.na, row.nan, row.numbers = (
            part.count,
            part.na,
            part.nan,
            part.numbers,
        )
        row.is_infinite = any(
            end is not None and abs(end) == float("inf")
            for end in (part.low, part.high)
        )
        if not row.is_infinite:
            row.small, row.huge = part.total.small, part.total.huge
            row.low, row.high = part.low, part.high
        else:
            row.small = row.huge = 0
        self._weigh(row, at + 1, found)
        for reading in found["counter"].get(at + 1, ()):
            if reading.start is None or reading.end is None or reading.rise is None:
                continue
            row.start_number, row.end_number = reading.start, reading.end
            if not row.is_infinite:
                row.drops = _drops(reading)
        return row

    def _weigh(
        self, row: FoldPart, at: int, found: dict[str, dict[int, list[Part]]]
    ) -> None:
        row.held_small = row.held_huge = row.held_known = 0
        row.line_small = row.line_huge = row.line_known = 0
        for part in found["held"].get(at, ()):
            if part.first is None or part.last is None:
                continue
            row.first_ts, row.last_ts = (
                instant_of(part.first[0]),
                instant_of(part.last[0]),
            )
            row.first_val, row.first_obj = _columns(part.first[1])
            row.last_val, row.last_obj = _columns(part.last[1])
            if not row.is_infinite:
                row.held_small, row.held_huge = part.area.small, part.area.huge
                row.held_known = part.known
        for part in found["linear"].get(at, ()):
            if part.first is not None and not row.is_infinite:
                row.line_small, row.line_huge = part.area.small, part.area.huge
                row.line_known = part.known

    def _clear(self, marks: Sequence[_Mark], covered: int | None) -> None:
        """Delete the marks before an instant, and shorten those around it."""
        rows = FoldMark.objects.using(self.connection.alias)
        done = [id for id, _, last in marks if covered is None or last < covered]
        rows.filter(id__in=done)._raw_delete(self.connection.alias)
        if covered is not None:
            rest = [id for id, first, last in marks if first < covered <= last]
            rows.filter(id__in=rest).update(first=instant_of(covered))


def _zone(record: Record) -> str | None:
    """The time zone; None for what is not a point with history."""
    try:
        return HisPoint.of(record).tz
    except NotHistorized:
        return None


def _neighbours(spans: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    for span in spans:
        if runs and runs[-1][-1][1] == span[0]:
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _columns(value: object) -> tuple[float | None, str | None]:
    """The columns ``val`` and ``obj`` of a value; numbers have no unit."""
    if type(value) is bool:
        return float(value), hayson_writer.dump(value)
    if type(value) is float:
        if value - value == 0:
            return value, None
        value = Number(value)
    return None, hayson_writer.dump(value)


def _drops(part: Part) -> str | None:
    """The sum of the readings before drops, without rounding."""
    assert part.start is not None and part.end is not None and part.rise is not None
    drops = ExactSum()
    drops.include(part.rise)
    drops.add(part.start)
    drops.add(part.end, -1)
    return str(drops.units) if drops.units else None
