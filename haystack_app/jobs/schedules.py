"""Schedules: tasks that are called at times given by a cron expression."""

from __future__ import annotations

import datetime as dt
import logging

from croniter import croniter
from django.core.exceptions import ValidationError
from django.db import router, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from ..models import Job, JobSchedule
from .backend import enqueue_scheduled
from .tasks import registered

__all__ = ["check_cron", "create_schedules", "enqueue_due", "has_due", "next_time"]

logger = logging.getLogger(__name__)
_FIELDS = 5


def check_cron(text: str) -> None:
    """Raises ValidationError with what would be right."""
    if len(text.split()) != _FIELDS or not croniter.is_valid(text):
        raise ValidationError(
            f"{text!r} is not a cron expression: write minute, hour, day of month, "
            "month and day of week, such as 30 3 * * *"
        )


def next_time(cron: str, after: dt.datetime) -> dt.datetime:
    """The first time after another one, in the current time zone."""
    found: dt.datetime = croniter(cron, timezone.localtime(after)).get_next(dt.datetime)
    return found


def _due() -> Q:
    return Q(enabled=True) & (Q(next_at=None) | Q(next_at__lte=Now()))


def has_due() -> bool:
    return JobSchedule.objects.filter(_due()).exists()


def enqueue_due() -> int:
    """Make jobs of the schedules that are due. Returns their number.

    A schedule whose last job is not finished waits for its next time. A new schedule
    gets its first time.
    """
    if not has_due():
        return 0
    using = router.db_for_write(JobSchedule)
    count = 0
    with transaction.atomic(using=using):
        rows = JobSchedule.objects.using(using).select_for_update(skip_locked=True)
        for schedule in rows.filter(_due()):
            count += schedule.next_at is not None and _enqueued(schedule)
            schedule.next_at = next_time(schedule.cron, timezone.now())
            schedule.save(update_fields=["next_at"])
    return count


def _enqueued(schedule: JobSchedule) -> bool:
    if Job.objects.unfinished().filter(schedule=schedule).exists():
        logger.warning("schedule %s: its last job is not finished", schedule)
        return False
    try:
        enqueue_scheduled(schedule)
    except (ImportError, TypeError) as error:
        logger.error("schedule %s: %s", schedule, error)
        return False
    return True


def create_schedules(using: str) -> None:
    """Add the schedules of tasks that name one, if they are missing."""
    for path, task in registered().items():
        if task.schedule:
            JobSchedule.objects.using(using).get_or_create(
                name=task.name,
                defaults={
                    "task": path,
                    "cron": task.schedule,
                    "enabled": task.is_scheduled,
                },
            )
