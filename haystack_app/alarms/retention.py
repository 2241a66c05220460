"""What is deleted: old alarms, pauses that matter no more, hints and mails that wait
for too long."""

from __future__ import annotations

import datetime as dt
import logging
import time

from ..conf import app_settings
from ..models import Alarm, AlarmMail, AlarmNews, AlarmPause
from .batch import HORIZON
from .news import MOST_ROWS

__all__ = ["Pruning", "prune"]

logger = logging.getLogger(__name__)

_SECONDS = 600.0
_BATCH = 1_000
_LONGEST_LOOKBACK = dt.timedelta(days=60)
_MAIL_DAYS = dt.timedelta(days=5)


class Pruning:
    """Prunes from time to time."""

    def __init__(self) -> None:
        self.next_at = 0.0

    def round(self, now: dt.datetime) -> None:
        if time.monotonic() < self.next_at:
            return
        if prune(now) < _BATCH:
            self.next_at = time.monotonic() + _SECONDS


def prune(now: dt.datetime) -> int:
    """Delete a batch of old rows; how many alarms were deleted."""
    if lost := AlarmMail.objects.filter(created__lt=now - _MAIL_DAYS).delete()[0]:
        logger.error("gave up %s lines of mails of alarms after %s", lost, _MAIL_DAYS)
    ended = now - HORIZON - _LONGEST_LOOKBACK
    AlarmPause.objects.filter(end__lt=ended).delete()
    for alias in AlarmNews.objects.values_list("storage", flat=True).distinct():
        rows = AlarmNews.objects.filter(storage=alias).order_by("-pk")
        kept = rows.values_list("pk", flat=True)[MOST_ROWS - 1 : MOST_ROWS]
        for oldest in kept:
            AlarmNews.objects.filter(storage=alias, pk__lt=oldest).delete()
    if not (days := app_settings.ALARM_DAYS):
        return 0
    before = now - dt.timedelta(days=float(days))
    old = Alarm.objects.filter(cleared_at__lt=before).order_by("cleared_at")
    keys = list(old.values_list("pk", flat=True)[:_BATCH])
    if keys:
        Alarm.objects.filter(pk__in=keys).delete()
    return len(keys)
