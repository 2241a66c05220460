"""Samples that are due later, and edits of samples, in tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Max, QuerySet, Sum

from ... import models
from ...kinds.series import instant_of
from ...models import PostponedSample
from ...sql.tables import HISTORY
from ...wire import hayson_reader
from ..sample_edits import (
    Origin,
    SampleChange,
    SampleEdit,
    samples_from,
    samples_text,
)
from .postgres_history import TS_OF_T
from .sqlite_history import sqlite_text

__all__ = [
    "edits",
    "log",
    "postpone",
    "postponed",
    "prune",
    "samples_at",
    "summaries",
]

_ROWS = 500
"""Rows of an insert."""


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


# -- edits ---------------------------------------------------------------------


def samples_at(
    connection: BaseDatabaseWrapper, times: Mapping[str, Sequence[int]]
) -> dict[str, dict[int, Any]]:
    """Stored samples of points at these times, by id and time."""
    found: dict[str, dict[int, Any]] = {id: {} for id in times}
    wanted = list(chain.from_iterable(times.values()))
    if not wanted:
        return found
    read = _postgres_at if connection.vendor == "postgresql" else _sqlite_at
    for id, time, val, obj in read(connection, times, wanted):
        found[id][time] = val if obj is None else hayson_reader.read_value(obj)
    return found


def _postgres_at(
    connection: BaseDatabaseWrapper,
    times: Mapping[str, Sequence[int]],
    wanted: Sequence[int],
) -> list[tuple[str, int, Any, Any]]:
    ids = list(times)
    places = [place for place, id in enumerate(ids, 1) for _ in times[id]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.id, u.t, h.val, h.obj::text"
            f" FROM (SELECT (%s::text[])[p] AS id, t, {TS_OF_T} AS ts"
            " FROM unnest(%s::int4[], %s::int8[]) AS u(p, t)) AS u"
            f" JOIN {HISTORY} h ON h.point_id = u.id AND h.ts = u.ts"
            # constants leave out chunks
            " AND h.ts BETWEEN %s::timestamptz AND %s::timestamptz",
            [
                ids,
                places,
                list(wanted),
                *(instant_of(end).isoformat() for end in (min(wanted), max(wanted))),
            ],
        )
        return list(cursor.fetchall())


def _sqlite_at(
    connection: BaseDatabaseWrapper,
    times: Mapping[str, Sequence[int]],
    wanted: Sequence[int],
) -> list[tuple[str, int, Any, Any]]:
    rows: list[tuple[str, int, Any, Any]] = []
    with connection.cursor() as cursor:
        for id, own in times.items():
            by_text = {sqlite_text(time): time for time in own}
            cursor.execute(
                # +ts has no declared type, for which Django would make a datetime
                f"SELECT +ts, val, obj FROM {HISTORY} WHERE point_id = %s"
                " AND ts IN (SELECT value FROM json_each(%s))",
                [id, orjson.dumps(list(by_text)).decode()],
            )
            rows += [(id, by_text[ts], *row) for ts, *row in cursor.fetchall()]
    return rows


def log(using: str, found: Sequence[SampleEdit]) -> None:
    """Keep edits."""
    models.SampleEdit.objects.using(using).bulk_create(
        [
            models.SampleEdit(
                at=one.at,
                change=one.origin.change,
                kind=one.origin.kind,
                user=one.origin.user,
                reason=one.origin.reason,
                point_id=one.id,
                count=len(one.samples),
                samples=samples_text(one.samples),
            )
            for one in found
        ],
        batch_size=_ROWS,
    )


def edits(
    rows: QuerySet[models.SampleEdit], limit: int | None = None
) -> list[SampleEdit]:
    """The first edits of rows, in the order in which they were made."""
    return [
        SampleEdit(
            row.at,
            Origin(row.user, row.kind, row.change, row.reason),
            row.point_id,
            samples_from(row.samples),
        )
        for row in rows.order_by("id")[:limit]
    ]


def summaries(rows: QuerySet[models.SampleEdit], limit: int) -> list[SampleChange]:
    """The newest changes of which these are the edits, the newest first."""
    found = rows.values("change", "kind", "user", "reason").annotate(
        last=Max("id"),
        until=Max("at"),
        points=Count("point_id", distinct=True),
        samples_=Sum("count"),
    )
    return [
        SampleChange(
            row["until"],
            Origin(row["user"], row["kind"], row["change"], row["reason"]),
            row["points"],
            row["samples_"],
        )
        for row in found.order_by("-last")[:limit]
    ]


def prune(using: str, before: dt.datetime, limit: int) -> int:
    """Delete edits older than ``before``, at most ``limit``; returns how many."""
    rows = models.SampleEdit.objects.using(using)
    old = rows.filter(at__lt=before).order_by("at").values_list("pk", flat=True)
    pks = list(old[:limit])
    if pks:
        rows.filter(pk__in=pks)._raw_delete(using)
    return len(pks)
