"""Samples that are due later, and edits of samples, in tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from ...models import PostponedSample

__all__ = ["postpone", "postponed"]


def postpone(using: str, due: Mapping[str, dt.datetime | None]) -> None:
    """Set when points are due; None forgets a point."""
    rows = PostponedSample.objects.using(using)
    if settled := [id for id, at in due.items() if at is None]:
        rows.filter(point_id__in=settled)._raw_delete(using)
    rows.bulk_create(
        [PostponedSample(point_id=id, due=at) for id, at in due.items() if at],
        update_conflicts=True,
        unique_fields=["point_id"],
        update_fields=["due"],
    )


def postponed(using: str, now: dt.datetime, limit: int) -> list[str]:
    """Ids of points that are due, the first ones first."""
    rows = PostponedSample.objects.using(using).filter(due__lte=now).order_by("due")
    return list(rows.values_list("point_id", flat=True)[:limit])
