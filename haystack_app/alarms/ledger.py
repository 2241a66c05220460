"""Alarms are stored: what was computed is compared with what the table has.

Alarms up to a time are settled. Later ones are made the same as the computed ones, so
that storing a result again changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import router

from ..kinds.scalars import Number
from ..kinds.series import instant_of, microseconds_of
from ..models import Alarm, AlarmRule, AlarmTransition
from ..wire import hayson_writer
from .conditions import AGE, SHARE
from .evaluation import Interval
from .signals import alarms_changed
from .subjects import Subject

__all__ = ["LATE", "Ledger", "is_raised"]

Kind = AlarmTransition.Kind
LATE = dt.timedelta(minutes=5)
"""What is recorded so long after its time, and after a later evaluation, is late."""


def is_raised(stored: Sequence[Alarm], after: int) -> bool:
    """Whether one of the alarms that end later than a time is raised at it."""
    return any(microseconds_of(one.raised_at) <= after for one in stored)


@dataclass(slots=True)
class Ledger:
    """The changes of a batch, in memory until ``save``.

    ``now`` is when they are recorded.
    """

    now: dt.datetime
    created: list[Alarm] = field(default_factory=list)
    updated: dict[int, Alarm] = field(default_factory=dict)
    log: list[AlarmTransition] = field(default_factory=list)

    def settle(
        self,
        rule: AlarmRule,
        subject: Subject,
        stored: Sequence[Alarm],
        computed: Sequence[Interval],
        evaluated: dt.datetime | None = None,
    ) -> None:
        """Make the stored alarms the computed ones.

        ``stored`` are those that end after the time from which on was computed.
        ``evaluated`` is up to when was known before.
        """
        known = evaluated or self.now
        matched = _matched(list(stored), computed)
        kept = {alarm.pk for alarm, _ in matched if alarm is not None}
        for alarm in stored:
            if alarm.pk not in kept:
                self._withdraw(alarm)
        for found, interval in matched:
            alarm = found or self._begin(rule, subject, interval, known)
            self._move(rule, subject, alarm, interval, known)
            self._finish(rule, subject, alarm, interval, known)

    def clear(self, alarm: Alarm, at: dt.datetime, note: str) -> None:
        """End an alarm whose rule is not for its point any more."""
        end = max(at, alarm.raised_at)
        self._clear(alarm, end, note=note)

    def save(self) -> None:
        """Store all of it, inside a transaction of the caller."""
        using = router.db_for_write(Alarm)
        rows = Alarm.objects.using(using)
        updated = sorted(self.updated.values(), key=lambda one: one.cleared_at is None)
        ended = [one for one in updated if one.cleared_at is not None]
        # an alarm may be open only when the other one of its pair is not any more
        for part in (ended, updated[len(ended) :]):
            rows.bulk_update(part, _FIELDS, batch_size=_ROWS)
        rows.bulk_create(self.created, batch_size=_ROWS)
        AlarmTransition.objects.using(using).bulk_create(self.log, batch_size=_ROWS)
        if self.log:
            alarms_changed.send(sender=None, transitions=self.log, using=using)

    # -- one alarm --------------------------------------------------------------

    def _begin(
        self, rule: AlarmRule, subject: Subject, interval: Interval, known: dt.datetime
    ) -> Alarm:
        at = instant_of(interval.start or 0)
        alarm = Alarm(
            rule=rule,
            point_id=subject.id,
            dis=subject.dis,
            equip_id=subject.equip_id,
            site_id=subject.site_id,
            raised_at=at,
            recorded_at=self.now,
            value=_json(rule, subject, interval.value),
            late=self._is_late(at, known),
        )
        self.created.append(alarm)
        self._note(alarm, Kind.RAISED, at, alarm.value, known)
        return alarm

    def _move(
        self,
        rule: AlarmRule,
        subject: Subject,
        alarm: Alarm,
        interval: Interval,
        known: dt.datetime,
    ) -> None:
        """Late samples show that it was raised at another time."""
        if interval.start is None:
            return
        at = instant_of(interval.start)
        if at == alarm.raised_at:
            return
        alarm.raised_at = at
        alarm.value = _json(rule, subject, interval.value)
        alarm.late = True
        self._change(alarm)
        self._note(alarm, Kind.RAISED, at, alarm.value, known)

    def _finish(
        self,
        rule: AlarmRule,
        subject: Subject,
        alarm: Alarm,
        interval: Interval,
        known: dt.datetime,
    ) -> None:
        end = None if interval.end is None else instant_of(interval.end)
        if end == alarm.cleared_at:
            return
        if end is not None:
            value = _json(rule, subject, interval.end_value)
            self._clear(alarm, end, value=value, known=known)
            return
        alarm.cleared_at = None
        alarm.late = True
        self._change(alarm)
        self._note(alarm, Kind.RAISED, alarm.raised_at, alarm.value, known)

    def _clear(
        self,
        alarm: Alarm,
        at: dt.datetime,
        *,
        value: Any = None,
        known: dt.datetime | None = None,
        note: str = "",
    ) -> None:
        was_open = alarm.cleared_at is None
        alarm.cleared_at = at
        alarm.late |= not was_open or self._is_late(at, known or self.now)
        self._change(alarm)
        self._note(alarm, Kind.CLEARED, at, value, known or self.now, note)

    def _withdraw(self, alarm: Alarm) -> None:
        alarm.cleared_at = alarm.raised_at
        alarm.late = alarm.withdrawn = True
        self._change(alarm)
        self._note(alarm, Kind.WITHDRAWN, alarm.raised_at, None, self.now)

    def _change(self, alarm: Alarm) -> None:
        if alarm.pk is not None:
            self.updated[alarm.pk] = alarm

    def _is_late(self, at: dt.datetime, known: dt.datetime) -> bool:
        return at <= known and self.now - at > LATE

    def _note(
        self,
        alarm: Alarm,
        kind: str,
        at: dt.datetime,
        value: Any,
        known: dt.datetime,
        note: str = "",
    ) -> None:
        late = kind == Kind.WITHDRAWN or self._is_late(at, known)
        row = AlarmTransition(
            kind=kind, at=at, recorded_at=self.now, late=late, value=value, note=note
        )
        row.alarm = alarm
        self.log.append(row)


_ROWS = 500
_FIELDS = ["raised_at", "cleared_at", "value", "late", "withdrawn"]
"""Not what people change at the same time."""


def _matched(
    stored: list[Alarm], computed: Sequence[Interval]
) -> list[tuple[Alarm | None, Interval]]:
    """Each computed alarm with the stored one that it is: by its start, or overlap."""
    by_start = {one.raised_at: one for one in stored}
    left = sorted(stored, key=lambda one: one.raised_at)
    pairs: list[tuple[Alarm | None, Interval]] = []
    exact: dict[int, Alarm] = {}
    for place, interval in enumerate(computed):
        if interval.start is None:
            exact[place] = left[0]
        elif (same := by_start.get(instant_of(interval.start))) is not None:
            exact[place] = same
    taken = [one.pk for one in exact.values()]
    left = [one for one in left if one.pk not in taken]
    for place, interval in enumerate(computed):
        found = exact.get(place) or next(_overlapping(left, interval), None)
        if found in left:
            left.remove(found)
        pairs.append((found, interval))
    return pairs


def _overlapping(stored: Sequence[Alarm], interval: Interval) -> Iterator[Alarm]:
    start = instant_of(interval.start or 0)
    for alarm in stored:
        begins = interval.end is None or alarm.raised_at < instant_of(interval.end)
        if begins and (alarm.cleared_at is None or alarm.cleared_at > start):
            yield alarm


def _json(rule: AlarmRule, subject: Subject, value: Any) -> Any:
    """A measure as Hayson, with its unit."""
    if value is None or not isinstance(value, float):
        return value
    unit = {AGE: "s", SHARE: "%"}.get(rule.measure, subject.unit)
    return orjson.loads(hayson_writer.dump(Number(value, unit)))
