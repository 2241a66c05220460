"""Stored parts of histories compared with the samples that they were made of."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from ...models import FoldMark, FoldPart, FoldPoint, HisSample
from .stored_parts import DAY

__all__ = ["miscounted"]


def miscounted(using: str) -> list[str]:
    """Ids of points without marks whose stored days have other samples, by number.

    Days whose samples were dropped have nothing to be compared with.
    """
    days = _kept(using, FoldPart, "start").filter(hours=DAY).order_by()
    heads = Count("start", filter=Q(has_head=True))
    sizes = days.values("point_id").annotate(size=Sum("count") + heads)
    stored = dict(sizes.values_list("point_id", "size"))
    samples = _kept(using, HisSample, "ts").order_by()
    counted = dict(samples.values_list("point_id").annotate(size=Count("ts")))
    marks = FoldMark.objects.using(using).values_list("point_id", flat=True)
    points = FoldPoint.objects.using(using).values_list("point_id", flat=True)
    settled = {*points} - {*marks.distinct()}
    return sorted(id for id in settled if stored.get(id, 0) != counted.get(id, 0))


def _kept(using: str, model: Any, time: str) -> QuerySet[Any]:
    """The rows of points that are not before the end of what was dropped."""
    rows: QuerySet[Any] = model.objects.using(using)
    dropped = FoldPoint.objects.using(using).filter(dropped__isnull=False)
    if not dropped.exists():
        return rows
    later = dropped.filter(point_id=OuterRef("point_id"), dropped__gt=OuterRef(time))
    return rows.exclude(Exists(later))
