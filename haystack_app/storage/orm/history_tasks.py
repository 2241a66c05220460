"""What is left to do in one database after a commit in the other one.

A task is committed with the samples, before the entities. After the commit of the
entities it is deleted; a process that dies in between leaves it to the maintenance of
any process. All of it may be repeated.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Now

from ...kinds.datetimes import DateTime
from ...kinds.series import instant_of, microseconds_of
from ...kinds.transient import DROPPED
from ...models import FoldPoint, HisSample, HistoryTask
from ...models.lookups import OneOf
from ...sql.tables import HISTORY_TASKS
from ..errors import NotHistorized
from ..samples import Batch, HisPoint

if TYPE_CHECKING:
    from .adapter import OrmAdapter

__all__ = ["begin_anew", "carry_on", "finish", "of_removals", "of_writes", "remove"]

_LATE = dt.timedelta(seconds=10)
"""Older tasks are not of a writer that is about to finish them, most likely."""
_WITHOUT_WAITING = "set_config('synchronous_commit', 'off', true) IS NOT NULL"


def _tasks(connection: BaseDatabaseWrapper) -> QuerySet[HistoryTask]:
    return HistoryTask.objects.using(connection.alias)


def of_writes(
    connection: BaseDatabaseWrapper, batches: Mapping[str, Batch]
) -> list[int]:
    """Tasks of points, in the transaction that writes their samples."""
    now = time.time_ns() // 1_000
    newest = {
        id: next((at for at in reversed(batch.written) if at <= now), None)
        for id, batch in batches.items()
    }
    return _created(
        connection,
        [
            HistoryTask(point_id=id, newest=None if at is None else instant_of(at))
            for id, at in newest.items()
        ],
    )


def of_removals(connection: BaseDatabaseWrapper, ids: Iterable[str]) -> list[int]:
    """Tasks of entities, in a transaction before the one that removes them."""
    return _created(
        connection, [HistoryTask(point_id=id, is_removal=True) for id in ids]
    )


def _created(
    connection: BaseDatabaseWrapper, tasks: Sequence[HistoryTask]
) -> list[int]:
    return [task.pk for task in _tasks(connection).bulk_create(tasks)]


def finish(connection: BaseDatabaseWrapper, tasks: Sequence[int]) -> None:
    """Delete tasks that are done, without waiting for the disk.

    A crash of the server may bring them back, and then they are done again.
    """
    waits = connection.in_atomic_block  # for what the caller has written before
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {HISTORY_TASKS} WHERE id = ANY(%s)"
            + ("" if waits else f" AND {_WITHOUT_WAITING}"),
            [list(tasks)],
        )


def remove(connection: BaseDatabaseWrapper, tasks: Sequence[int]) -> None:
    """Delete samples of removed entities, unless ``begin_anew`` did it before."""
    with transaction.atomic(using=connection.alias):
        _delete(connection, _tasks(connection).filter(pk__in=tasks))


def begin_anew(connection: BaseDatabaseWrapper, ids: Sequence[str]) -> None:
    """Delete what removed entities of the same ids have left, before new ones have
    samples."""
    removals = _tasks(connection).filter(OneOf(F("point_id"), ids), is_removal=True)
    _delete(connection, removals)


def _delete(connection: BaseDatabaseWrapper, tasks: QuerySet[HistoryTask]) -> None:
    """Of two callers, the one that gets a task deletes the samples."""
    found = dict(tasks.select_for_update().values_list("pk", "point_id"))
    if not found:
        return
    samples = HisSample.objects.using(connection.alias)
    ids = sorted(set(found.values()))
    samples.filter(OneOf(F("point_id"), ids))._raw_delete(connection.alias)
    _tasks(connection).filter(pk__in=found)._raw_delete(connection.alias)


def carry_on(store: OrmAdapter, limit: int) -> int:
    """Do tasks that were left, of up to ``limit`` points; returns how many."""
    late = _tasks(store.samples).filter(at__lt=Now() - _LATE).order_by("id")
    ids = sorted({*late.values_list("point_id", flat=True)[:limit]})
    if not ids:
        return 0
    with store.locked(ids):
        # writers that were only slow have finished theirs, for the points are locked
        tasks = late.filter(OneOf(F("point_id"), ids))
        found = list(tasks.values_list("pk", "point_id", "is_removal"))
        existing = {*store.entities.filter(id__in=ids).values_list("id", flat=True)}
        newest = tasks.order_by().values("point_id").annotate(last=Max("newest"))
        left = {row["point_id"]: row["last"] for row in newest}
        _settle(store, {id: left[id] for id in sorted(existing & left.keys())})
        done = [pk for pk, id, removes in found if id in existing or not removes]
        store.finish_later(finish, done)
    gone = [pk for pk, id, removes in found if removes and id not in existing]
    remove(store.samples, gone)
    return len(ids)


def _settle(store: OrmAdapter, newest: Mapping[str, dt.datetime | None]) -> None:
    ids = list(newest)
    if not ids:
        return
    store.his_settle(
        {id: None if at is None else microseconds_of(at) for id, at in newest.items()}
    )
    points = FoldPoint.objects.using(store.history_using)
    rows = points.filter(OneOf(F("point_id"), ids), dropped__isnull=False)
    dropped: dict[str, Any] = dict(rows.values_list("point_id", "dropped"))
    changes = {}
    for record in filter(None, store.read_by_ids(list(dropped))):
        with suppress(NotHistorized):
            point = HisPoint.of(record)
            changes[point.id] = {DROPPED: DateTime(dropped[point.id], point.tz)}
    store.set_transient(changes)
