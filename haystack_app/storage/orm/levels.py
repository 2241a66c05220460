"""Priority arrays and the log of writes to them, in tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from ...models import PointWrite, PriorityLevel
from ...wire import hayson_reader, hayson_writer
from ..priority_array import Level
from ..write_log import LevelWrite

__all__ = ["due", "log", "prune", "read", "store", "with_levels", "writes"]


def read(using: str, id: str) -> dict[int, Level]:
    """The levels of a point that are set."""
    rows = PriorityLevel.objects.using(using).filter(point_id=id)
    return {
        row.number: Level(
            hayson_reader.read_value(row.val), row.who, row.expires, row.user
        )
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
        user=level.user,
        expires=level.expires,
    )
    rows.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["point", "number"],
        update_fields=["val", "who", "user", "expires"],
    )


def with_levels(using: str, ids: Collection[str]) -> set[str]:
    """Those of the points that have a level."""
    rows = PriorityLevel.objects.using(using).filter(point_id__in=ids)
    return set(rows.values_list("point_id", flat=True))


def due(using: str, now: dt.datetime) -> list[str]:
    """Ids of points with a level that expires at ``now`` or before, in order."""
    rows = PriorityLevel.objects.using(using).filter(expires__lte=now)
    return list(rows.order_by("point_id").values_list("point_id", flat=True).distinct())


def log(using: str, write: LevelWrite) -> None:
    """Add an entry to the log of writes."""
    PointWrite(
        at=write.at,
        point_id=write.id,
        number=write.number,
        kind=write.kind,
        val=None if write.val is None else hayson_writer.dump(write.val),
        who=write.who,
        user=write.user,
        expires=write.expires,
    ).save(using=using, force_insert=True)


def writes(using: str, id: str, limit: int) -> list[LevelWrite]:
    """The newest entries of a point, the newest first."""
    rows = PointWrite.objects.using(using).filter(point_id=id).order_by("-id")
    return [
        LevelWrite(
            row.at,
            row.point_id,
            row.number,
            row.kind,
            None if row.val is None else hayson_reader.read_value(row.val),
            row.who,
            row.user,
            row.expires,
        )
        for row in rows[:limit]
    ]


def prune(using: str, before: dt.datetime, limit: int) -> int:
    """Delete entries older than ``before``, at most ``limit``; returns how many."""
    rows = PointWrite.objects.using(using)
    old = list(
        rows.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:limit]
    )
    if old:
        rows.filter(pk__in=old)._raw_delete(using)
    return len(old)
