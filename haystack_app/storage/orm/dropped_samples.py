"""What is known of samples that were dropped, by the parts of days that stay.

Instants are the bounds of days: the samples of a day are gone together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q, QuerySet

from ...folds.accumulators import number_of
from ...folds.parts import Sample
from ...kinds.series import instant_of, microseconds_of
from ...models import FoldPart
from .fold_statements import sample_of

__all__ = ["DroppedSamples"]

_DAY = 24


@dataclass(frozen=True, slots=True)
class DroppedSamples:
    """The dropped samples of a point; they were before ``end``."""

    connection: BaseDatabaseWrapper
    id: str
    end: int

    @property
    def _days(self) -> QuerySet[FoldPart]:
        rows = FoldPart.objects.using(self.connection.alias)
        return rows.filter(point_id=self.id, hours=_DAY, start__lt=instant_of(self.end))

    @property
    def first(self) -> int | None:
        """The start of the first day that has a part."""
        part = self._days.order_by("start").first()
        return None if part is None else microseconds_of(part.start)

    def before(self, time: int) -> Iterator[Sample]:
        """The newest sample that is not NaN, and the newest that is a number."""
        earlier = self._days.filter(start__lt=instant_of(time)).order_by("-start")
        held = earlier.filter(Q(first_ts__isnull=False) | Q(has_head=True))
        for part in held:
            if (sample := _last(part, time)) is not None:
                yield sample
                if number_of(sample[1]) is not None:
                    return
                break
        counted = earlier.filter(Q(end_number__isnull=False) | Q(has_head=True))
        for part in counted:
            if (number := _last_number(part, time)) is not None:
                yield microseconds_of(part.start), number
                return

    def after(self, time: int) -> Sample | None:
        """The first sample from a time on that is not NaN."""
        later = self._days.filter(start__gte=instant_of(time)).order_by("start")
        for part in later:
            for sample in (_head(part), _first(part)):
                if sample is not None:
                    return sample
        return None


def _head(part: FoldPart) -> Sample | None:
    if not part.has_head:
        return None
    return _plain(microseconds_of(part.start), part.head_val, part.head_obj)


def _first(part: FoldPart) -> Sample | None:
    if part.first_ts is None:
        return None
    return _plain(microseconds_of(part.first_ts), part.first_val, part.first_obj)


def _last(part: FoldPart, before: int) -> Sample | None:
    """The newest sample of a day; only the one at its start if that is the limit."""
    if part.last_ts is None or microseconds_of(part.start) == before - 1:
        return _head(part)
    return _plain(microseconds_of(part.last_ts), part.last_val, part.last_obj)


def _last_number(part: FoldPart, before: int) -> float | None:
    if part.end_number is not None and microseconds_of(part.start) != before - 1:
        return part.end_number
    sample = _head(part)
    return None if sample is None else number_of(sample[1])


def _plain(time: int, val: float | None, obj: str | None) -> Sample | None:
    """None for NaN."""
    sample = sample_of(time, val, obj)
    if sample is None or sample[1] != sample[1]:
        return None
    return sample
