"""Priority arrays and the log of writes to them, in tables."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection

from django.db.models import Q

from ...models import PointWrite, PriorityLevel
from ...wire import hayson_reader, hayson_writer
from ..errors import InvalidWrite
from ..priority_array import Level
from ..write_log import LevelWrite, WritePage

__all__ = [
    "due",
    "log",
    "older",
    "prune",
    "read",
    "since",
    "store",
    "with_levels",
    "writes",
]

_CURSOR = re.compile(r"(\d{1,18})(?:-(\d{1,18}(?:,\d{1,18})*))?", re.ASCII)
_KEY = re.compile(r"\d{1,18}", re.ASCII)
_MISSING = 500
"""Ids that a cursor waits for."""


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
    return [_write(row) for row in rows[:limit]]


def _write(row: PointWrite) -> LevelWrite:
    return LevelWrite(
        row.at,
        row.point_id,
        row.number,
        row.kind,
        None if row.val is None else hayson_reader.read_value(row.val),
        row.who,
        row.user,
        row.expires,
    )


def since(using: str, cursor: str | None, limit: int) -> WritePage:
    """Entries after a cursor; None is the end.

    Writers to different points do not wait for each other, so a row may be committed
    after one with a larger id. A cursor is the last id that was read, and the ids
    before it that were missing: ``120-117,119``. Ids of rolled back rows stay missing.
    """
    rows = PointWrite.objects.using(using)
    if cursor is None or (place := _CURSOR.fullmatch(cursor)) is None:
        last = rows.order_by("-id").values_list("id", flat=True).first()
        return WritePage([], str(last or 0))
    reached = int(place[1])
    missing = {int(id) for id in (place[2] or "").split(",") if id}
    later = Q(id__gt=reached) | Q(id__in=missing) if missing else Q(id__gt=reached)
    found = list(rows.filter(later).order_by("id")[:limit])
    ids = {row.id for row in found}
    end = max(ids | {reached})
    gaps = set(range(max(reached + 1, end - _MISSING), end)) - ids
    missing = set(sorted((missing | gaps) - ids)[-_MISSING:])
    text = ",".join(map(str, sorted(missing)))
    return WritePage(
        [(str(row.id), _write(row)) for row in found],
        f"{end}-{text}" if missing else str(end),
    )


def older(using: str, cursor: str | None, limit: int) -> WritePage:
    """Entries before a cursor, the newest first."""
    rows = PointWrite.objects.using(using)
    if cursor is not None:
        rows = rows.filter(id__lt=_key(cursor))
    found = list(rows.order_by("-id")[: limit + 1])
    page = found[:limit]
    return WritePage(
        [(str(row.id), _write(row)) for row in page],
        str(page[-1].id) if len(found) > limit else "",
    )


def _key(cursor: str) -> int:
    """Raises InvalidWrite."""
    if not _KEY.fullmatch(cursor):
        raise InvalidWrite(f"invalid cursor {cursor[:40]!r}")
    return int(cursor)


def prune(using: str, before: dt.datetime, limit: int) -> int:
    """Delete entries older than ``before``, at most ``limit``; returns how many."""
    rows = PointWrite.objects.using(using)
    old = list(
        rows.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:limit]
    )
    if old:
        rows.filter(pk__in=old)._raw_delete(using)
    return len(old)
