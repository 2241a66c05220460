"""Some rules are evaluated for some of their points, from where that is needed.

What is read of the tables and of the histories is read once for all of them. What is
found is stored in one transaction, so that a process that dies has done nothing, and
what is evaluated twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import router, transaction
from django.db.models import Q

from ..kinds.series import instant_of, microseconds_of
from ..models import Alarm, AlarmPair, AlarmPause, AlarmRule
from ..storage.base import StorageAdapter
from .evaluation import evaluate
from .ledger import Ledger, is_raised
from .samples import Samples
from .segments import Facts, Pause, lookback
from .subjects import Subject, subjects

__all__ = ["HORIZON", "LEFT", "Key", "Work", "evaluate_pairs", "forget"]

Key = tuple[int, str]
"""The keys of a rule and of a point."""
Work = Mapping[Key, int | None]
"""From when on to evaluate, in microseconds; None: from where it was left off."""
HORIZON = dt.timedelta(days=31)
"""Samples that are older when they come change no alarms."""
LEFT = "not a point of the rule any more"
_ROWS = 500
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(slots=True)
class _Task:
    """A pair, and after which time it is evaluated."""

    rule: AlarmRule
    subject: Subject
    pair: AlarmPair
    after: int
    evaluated: dt.datetime | None
    stored: list[Alarm] = field(default_factory=list)

    @property
    def start(self) -> int:
        """From when on samples are needed."""
        return self.after - lookback(self.subject.condition, self.subject.hold)


def evaluate_pairs(
    store: StorageAdapter, rules: Mapping[int, AlarmRule], work: Work, now: dt.datetime
) -> int:
    """Evaluate pairs of enabled rules; how many transitions there were.

    A pair that is new, or whose meaning has changed, is evaluated from ``now`` on.
    Points that the rule does not fit any more are forgotten.
    """
    ids = sorted({id for rule, id in work if rule in rules})
    records = {
        id: row for id, row in zip(ids, store.read_by_ids(ids), strict=True) if row
    }
    pairs = {
        (one.rule_id, one.point_id): one
        for one in AlarmPair.objects.filter(point_id__in=ids)
    }
    tasks, gone = _tasks(store, rules, work, records, pairs, now)
    _add_stored(tasks)
    histories = _histories(store, tasks)
    pauses = _pauses(store, tasks)
    ledger = Ledger(now)
    for task in tasks:
        _evaluate(task, histories, pauses, ledger)
    using = router.db_for_write(Alarm)
    with transaction.atomic(using=using):
        _forget(ledger, [pairs[key] for key in gone if key in pairs], LEFT)
        ledger.save()
        _save([task.pair for task in tasks], using)
    return len(ledger.log)


def forget(pairs: Sequence[AlarmPair], now: dt.datetime, why: str) -> None:
    """Delete pairs, and clear their alarms."""
    ledger = Ledger(now)
    with transaction.atomic(using=router.db_for_write(Alarm)):
        _forget(ledger, pairs, why)
        ledger.save()


def _forget(ledger: Ledger, pairs: Sequence[AlarmPair], why: str) -> None:
    if not pairs:
        return
    keys = {(one.rule_id, one.point_id) for one in pairs}
    rows = Alarm.objects.open().select_related("rule")
    for alarm in rows.filter(point_id__in={id for _, id in keys}):
        if (alarm.rule_id, alarm.point_id) in keys:
            ledger.clear(alarm, ledger.now, why)
    AlarmPair.objects.filter(pk__in=[one.pk for one in pairs]).delete()


def _tasks(
    store: StorageAdapter,
    rules: Mapping[int, AlarmRule],
    work: Work,
    records: Mapping[str, Any],
    pairs: Mapping[Key, AlarmPair],
    now: dt.datetime,
) -> tuple[list[_Task], list[Key]]:
    """What to evaluate, and the pairs that do not fit."""
    by_rule: dict[int, list[str]] = defaultdict(list)
    for rule, id in work:
        if rule in rules:
            by_rule[rule].append(id)
    tasks: list[_Task] = []
    gone: list[Key] = []
    for key, ids in by_rule.items():
        rows = [records[id] for id in ids if id in records]
        found, _ = subjects(rules[key], rows, store.read_by_ids)
        gone += [(key, id) for id in {*ids} - {one.id for one in found}]
        for subject in found:
            pair = pairs.get((key, subject.id))
            from_ = work[key, subject.id]
            tasks.append(_task(rules[key], subject, pair, from_, now))
    return tasks, gone


def _task(
    rule: AlarmRule,
    subject: Subject,
    pair: AlarmPair | None,
    after: int | None,
    now: dt.datetime,
) -> _Task:
    if pair is None:
        pair = AlarmPair(rule=rule, point_id=subject.id, since=now, until=now)
    if pair.meaning != subject.meaning:
        pair.meaning, pair.since, pair.until = subject.meaning, now, now
        pair.end, pair.size = _instant(subject.end), subject.size
        first = microseconds_of(now) - 1
        return _Task(rule, subject, pair, first, None)
    until = microseconds_of(pair.until)
    wanted = until if after is None else min(after, until)
    earliest = microseconds_of(max(pair.since - _MICROSECOND, now - HORIZON))
    task = _Task(rule, subject, pair, max(wanted, earliest), pair.until)
    pair.until = now
    pair.end, pair.size = _instant(subject.end), subject.size
    return task


def _instant(at: int | None) -> dt.datetime | None:
    return None if at is None else instant_of(at)


def _add_stored(tasks: Sequence[_Task]) -> None:
    """The alarms that end later than the time after which a pair is evaluated."""
    if not tasks:
        return
    first = instant_of(min(task.after for task in tasks))
    ids = {task.subject.id for task in tasks}
    rows = Alarm.objects.select_related("rule").filter(
        Q(cleared_at=None) | Q(cleared_at__gt=first),
        point_id__in=ids,
        withdrawn=False,
    )
    held: dict[Key, list[Alarm]] = defaultdict(list)
    for alarm in rows.order_by("raised_at"):
        held[alarm.rule_id, alarm.point_id].append(alarm)
    for task in tasks:
        task.stored = [
            one
            for one in held[task.rule.pk, task.subject.id]
            if one.cleared_at is None or microseconds_of(one.cleared_at) > task.after
        ]


def _histories(
    store: StorageAdapter, tasks: Iterable[_Task]
) -> dict[str, list[tuple[int, Any]]]:
    """The samples of points, and of those that they are compared with."""
    starts: dict[str, int] = {}
    for task in tasks:
        for id in (task.subject.id, task.subject.reference):
            if id is not None:
                starts[id] = min(task.start, starts.get(id, task.start))
    return store.his_since(starts) if starts else {}


def _pauses(store: StorageAdapter, tasks: Sequence[_Task]) -> list[AlarmPause]:
    if not tasks:
        return []
    first = instant_of(min(task.start for task in tasks))
    rows = AlarmPause.objects.filter(storage=store.alias).ending_after(first)
    return list(rows)


def _evaluate(
    task: _Task,
    histories: Mapping[str, list[tuple[int, Any]]],
    pauses: Sequence[AlarmPause],
    ledger: Ledger,
) -> None:
    subject, after = task.subject, task.after
    own = Samples.of(histories[subject.id], subject.hold)
    other = subject.reference
    facts = Facts(
        own,
        None if other is None else Samples.of(histories[other]),
        [
            Pause(microseconds_of(one.start), _microseconds(one.end))
            for one in pauses
            if one.rule_id == task.rule.pk and one.equip_id in ("", subject.equip_id)
        ],
        [
            Pause(microseconds_of(one.start), microseconds_of(one.end))
            for one in pauses
            if one.rule_id is None and one.end is not None
        ],
    )
    outcome = evaluate(
        subject.condition,
        facts,
        after,
        microseconds_of(ledger.now),
        is_raised=is_raised(task.stored, after),
    )
    task.pair.due = _instant(outcome.due)
    ledger.settle(task.rule, subject, task.stored, outcome.intervals, task.evaluated)


def _microseconds(at: dt.datetime | None) -> int | None:
    return None if at is None else microseconds_of(at)


def _save(pairs: Sequence[AlarmPair], using: str) -> None:
    AlarmPair.objects.using(using).bulk_create(
        pairs,
        update_conflicts=True,
        unique_fields=["rule", "point_id"],
        update_fields=["meaning", "since", "until", "due", "end", "size"],
        batch_size=_ROWS,
    )
