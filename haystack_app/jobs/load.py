"""How much work waits for workers."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Min
from django.utils import timezone

from ..models import Job

__all__ = ["job_counts", "oldest_ready_seconds"]

_DAY = dt.timedelta(days=1)


def job_counts() -> dict[tuple[str, str], int]:
    """Jobs by queue and status: unfinished ones, and those that failed in a day."""
    failed = Job.objects.filter(
        status=Job.Status.FAILED, finished_at__gt=timezone.now() - _DAY
    )
    found: dict[tuple[str, str], int] = {}
    for rows in (Job.objects.unfinished(), failed):
        counted = rows.order_by().values_list("queue", "status").annotate(Count("id"))
        found |= {(queue, status): count for queue, status, count in counted}
    return found


def oldest_ready_seconds() -> float:
    """How long the first of the jobs that are due has waited; 0 without one."""
    now = timezone.now()
    due = Job.objects.unfinished().filter(status=Job.Status.READY)
    due = due.exclude(run_after__gt=now)
    first = due.aggregate(first=Min("enqueued_at"))["first"]
    return 0.0 if first is None else max(0.0, (now - first).total_seconds())
