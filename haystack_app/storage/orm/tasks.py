"""Holders of tasks, in a table."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from ...models import Task

__all__ = ["take"]


def take(
    using: str, name: str, holder: str, now: dt.datetime, until: dt.datetime
) -> bool:
    """Take a free task, or keep it; False while another holder has it.

    A holder that takes it locks its row until the end of the transaction.
    """
    rows = Task.objects.using(using)
    free = Task(name=name, holder="", until=now)
    rows.bulk_create([free], ignore_conflicts=True)
    mine = Q(holder=holder) | Q(until__lte=now)
    return bool(rows.filter(mine, name=name).update(holder=holder, until=until))
