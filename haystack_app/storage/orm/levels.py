"""Priority arrays in a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from ...models import PriorityLevel
from ...wire import hayson_reader, hayson_writer
from ..priority_array import Level

__all__ = ["due", "read", "store", "with_levels"]


def read(using: str, id: str) -> dict[int, Level]:
    """The levels of a point that are set."""
    rows = PriorityLevel.objects.using(using).filter(point_id=id)
    return {
        row.number: Level(hayson_reader.read_value(row.val), row.who, row.expires)
        for row in rows
    }


def store(using: str, id: str, number: int, level: Level | None) -> None:
    """Set one level of a point, or delete it."""
    rows = PriorityLevel.objects.using(using)
    if level is None:
        rows.filter(point_id=id, number=number).delete()
        return
    row = PriorityLevel(
        point_id=id,
        number=number,
        val=hayson_writer.dump(level.val),
        who=level.who,
        expires=level.expires,
    )
    rows.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["point", "number"],
        update_fields=["val", "who", "expires"],
    )


def with_levels(using: str, ids: Collection[str]) -> set[str]:
    """Those of the points that have a level."""
    rows = PriorityLevel.objects.using(using).filter(point_id__in=ids)
    return set(rows.values_list("point_id", flat=True))


def due(using: str, now: dt.datetime) -> list[str]:
    """Ids of points with a level that expires at ``now`` or before, in order."""
    rows = PriorityLevel.objects.using(using).filter(expires__lte=now)
    return list(rows.order_by("point_id").values_list("point_id", flat=True).distinct())
