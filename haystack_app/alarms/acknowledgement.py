"""People say that they know of an alarm."""

from __future__ import annotations

import datetime as dt

from django.db import router, transaction

from ..models import Alarm, AlarmTransition
from .signals import alarms_changed

__all__ = ["LONGEST_NOTE", "acknowledge"]

LONGEST_NOTE = 1_000


def acknowledge(alarm: Alarm, who: str, note: str, now: dt.datetime) -> bool:
    """Whether it was open and not acknowledged, of two at the same time for one."""
    using = router.db_for_write(Alarm)
    with transaction.atomic(using=using):
        rows = Alarm.objects.using(using).of_state(Alarm.State.RAISED)
        if not rows.filter(pk=alarm.pk).update(acknowledged_at=now):
            return False
        alarm.acknowledged_at = now
        transition = AlarmTransition.objects.using(using).create(
            alarm=alarm,
            kind=AlarmTransition.Kind.ACKNOWLEDGED,
            at=now,
            recorded_at=now,
            who=who[:200],
            note=note[:LONGEST_NOTE],
        )
        alarms_changed.send(sender=None, transitions=[transition], using=using)
    return True
