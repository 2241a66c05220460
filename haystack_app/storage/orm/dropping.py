"""Dropping the samples of a point before a day, whose parts by day stay.

The newest sample and the newest number before that day stay, for they hold their values
after it. A day with infinite numbers, whose sums no part has, stays with all after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Min, QuerySet

from ...folds.accumulators import number_of
from ...folds.buckets import buckets
from ...kinds.datetimes import DateTime
from ...kinds.scalars import Number
from ...kinds.series import instant_of, microseconds_of
from ...kinds.transient import DROPPED
from ...models import FoldMark, FoldPart, FoldPoint, HisSample
from ..history import HistoryStore
from ..samples import HisPoint
from .fold_work import fold_point
from .history_database import writing
from .locks import locked_for_folding
from .stored_parts import DAY, HOUR, INTERVALS

__all__ = ["drop"]

_STEP = 92 * 86_400_000_000
"""Microseconds of samples that one transaction drops."""


def drop(
    store: HistoryStore,
    connection: BaseDatabaseWrapper,
    point: HisPoint,
    end: int,
    log: Callable[[int], object],
) -> int:
    """Drop the samples before the local day that begins at ``end``. Their number.

    In transactions that each drop some months, so that it may be stopped; ``log`` is
    called in each of them.
    """
    dropped = 0
    while True:
        with store.locked([point.id]), writing(connection):
            locked_for_folding(connection)
            step = _next_end(connection.alias, point, end)
            if step is None:
                return dropped
            fold_point(store, connection, point.id)
            infinite = _infinite_day(connection.alias, point, step)
            until = step if infinite is None else infinite
            count = _Drop(store, connection, point, until).run()
            if count:
                log(count)
            dropped += count
        if step == end or infinite is not None:
            return dropped


def _infinite_day(using: str, point: HisPoint, end: int) -> int | None:
    """The start of the first day with infinite numbers that has its samples."""
    parts = FoldPart.objects.using(using).filter(
        is_infinite=True, point_id=point.id, hours=DAY, start__lt=instant_of(end)
    )
    start = parts.order_by("start").values_list("start", flat=True).first()
    return None if start is None else microseconds_of(start)


def _next_end(using: str, point: HisPoint, end: int) -> int | None:
    """The end of the next months, or None if nothing is left to do."""
    state = FoldPoint.objects.using(using).filter(point_id=point.id).first()
    after = state.dropped if state is not None else None
    if after is not None and microseconds_of(after) >= end:
        return None
    samples = HisSample.objects.using(using).filter(point_id=point.id)
    if after is not None:
        samples = samples.filter(ts__gte=after)
    first = samples.filter(ts__lt=instant_of(end)).aggregate(first=Min("ts"))["first"]
    if first is None:
        return None
    later = microseconds_of(first) + _STEP
    if later >= end:
        return end
    start, _ = next(buckets(INTERVALS[DAY], point.tz, later))
    return start


class _Drop:
    """One step, inside a transaction that holds the point and the folding."""

    def __init__(
        self,
        store: HistoryStore,
        connection: BaseDatabaseWrapper,
        point: HisPoint,
        end: int,
    ) -> None:
        self.store, self.connection, self.point = store, connection, point
        self.end, self.until = end, instant_of(end)
        self.using = connection.alias

    def run(self) -> int:
        newest = FoldMark.objects.using(self.using).order_by("-id").first()
        old = self._samples().filter(ts__lt=self.until).exclude(ts__in=self._kept())
        count = old._raw_delete(self.using)
        self._clear_marks(0 if newest is None else newest.pk)
        points = FoldPoint.objects.using(self.using).filter(point_id=self.point.id)
        points.update(dropped=self.until)
        hours = FoldPart.objects.using(self.using).filter(
            point_id=self.point.id, hours=HOUR, start__lt=self.until
        )
        hours._raw_delete(self.using)
        end = DateTime(self.until, self.point.tz)
        self.store.his_recount([self.point.id])
        self.store.set_transient({self.point.id: {DROPPED: end}})
        return count

    def _samples(self) -> QuerySet[HisSample]:
        rows: QuerySet[HisSample] = HisSample.objects.using(self.using)
        return rows.filter(point_id=self.point.id)

    def _kept(self) -> list[dt.datetime]:
        """The times of the newest sample that is not NaN, and of the newest number."""
        kept: list[dt.datetime] = []
        for time, value in self.store.his_backwards(self.point.id, self.end):
            plain = value.val if type(value) is Number else value
            if plain != plain:
                continue
            if not kept or number_of(plain) is not None:
                kept.append(instant_of(time))
            if number_of(plain) is not None:
                break
        return kept

    def _clear_marks(self, newest: int) -> None:
        """Of the marks that deleting made, leave what is not before the end."""
        marks = FoldMark.objects.using(self.using).filter(
            pk__gt=newest, point_id=self.point.id
        )
        marks.filter(last__lt=self.until)._raw_delete(self.using)
        marks.filter(first__lt=self.until).update(first=self.until)
