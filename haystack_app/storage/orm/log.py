"""Reading and pruning of the change log.

Cursors are the ids of the rows. Writers are serialised: each holds the lock of all
entities from before its first row until its commit is visible, so that ids are in the
order of the commits. A reader that sees an entry sees all earlier ones; rollbacks
leave gaps that are never filled.
"""

from __future__ import annotations

import datetime as dt
from itertools import takewhile

from django.db import connections, transaction

from ... import models
from ...models import PrunedChanges
from ...wire.record import Record
from ..changes import Change, ChangePage, check_cursor
from .history import snapshot

__all__ = ["change_of", "commit_at", "prune", "since"]


def change_of(row: models.Change) -> Change:
    return Change(
        row.at,
        row.who,
        row.entity_id,
        row.kind,
        Record(row.before),
        Record(row.after),
        row.id,
    )


def commit_at(using: str, cursor: int, limit: int | None) -> list[Change]:
    """The first entries of a commit: those of its time and author."""
    rows = models.Change.objects.using(using)
    one = rows.filter(id=cursor).first() if 0 < cursor < 1 << 63 else None
    if one is None:
        return []
    found = rows.filter(at=one.at, who=one.who).order_by("id")
    return [change_of(row) for row in found[:limit]]


def since(using: str, cursor: int | None, limit: int) -> ChangePage:
    rows = models.Change.objects.using(using)
    with snapshot(connections[using]):  # pruning must not come between
        pruned = PrunedChanges.objects.using(using).first()
        oldest = pruned.upto if pruned else 0
        last = rows.order_by("-id").values_list("id", flat=True).first()
        end = max(oldest, last or 0)
        if cursor is None:
            return ChangePage([], end, more=False)
        check_cursor(cursor, oldest, end)
        found = list(rows.filter(id__gt=cursor).order_by("id")[:limit])
    reached = found[-1].id if found else cursor
    return ChangePage(
        [(row.id, change_of(row)) for row in found], reached, reached < end
    )


def prune(using: str, before: dt.datetime, limit: int) -> int:
    rows = models.Change.objects.using(using).order_by("id")
    oldest = rows.values_list("at", flat=True).first()
    if oldest is None or oldest >= before:
        return 0  # without a transaction that writes
    with transaction.atomic(using=using):
        marks = PrunedChanges.objects.using(using)
        marks.bulk_create([PrunedChanges(upto=0)], ignore_conflicts=True)
        mark = marks.select_for_update().get()  # one pruner at a time
        first = rows.values_list("id", "at")[:limit]
        old = [id for id, _ in takewhile(lambda row: row[1] < before, first)]
        if old:
            mark.upto = old[-1]
            mark.save(using=using)
            rows.filter(id__lte=mark.upto)._raw_delete(using)
        return len(old)
