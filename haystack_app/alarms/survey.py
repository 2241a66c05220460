"""The survey of a rule: which points it is for, and what of them was not evaluated.

It finds what no hint has told: points that match now or do not any more, tags that
changed, samples of other processes, and equipment that is suppressed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..filters import NOT_TRASH
from ..filters.ast import And, Filter, Has
from ..kinds.series import microseconds_of
from ..models import AlarmPair, AlarmPause, AlarmRule
from ..storage.base import StorageAdapter
from ..wire.errors import ParseError
from ..wire.record import Record
from .batch import LEFT, Key, evaluate_pairs, forget
from .subjects import Misfit, Subject, subjects

__all__ = ["Survey", "note", "pages", "points_of", "survey"]

_PAGE = 500
_NAMED = 3
"""Misfits that a problem names."""
_MAINTENANCE = "in maintenance"
_SUPPRESSED = "suppressed"


@dataclass(slots=True)
class Survey:
    """``members`` are the ids of the points, with that which each is compared with."""

    members: dict[str, str | None] = field(default_factory=dict)
    transitions: int = 0


def points_of(store: StorageAdapter, rule: AlarmRule) -> Filter:
    """The filter of the points of a rule. Raises ParseError."""
    marks = (Has(("point",)), Has(("his",)), NOT_TRASH)
    return And((store.parsed(rule.filter), *marks))


def pages(store: StorageAdapter, tree: Filter) -> Iterator[Sequence[Record]]:
    after = ""
    while page := store.page(tree, after, _PAGE):
        yield page
        if len(page) < _PAGE:
            return
        after = page[-1]["id"].id


def survey(store: StorageAdapter, rule: AlarmRule, now: dt.datetime) -> Survey:
    """Evaluate what is left of one rule, and store what is wrong with it."""
    found = Survey()
    pairs = {one.point_id: one for one in AlarmPair.objects.filter(rule=rule)}
    misfits: list[Misfit] = []
    known: list[Subject] = []
    problem = ""
    try:
        for page in pages(store, points_of(store, rule)):
            fitting, unfit = subjects(rule, page, store.read_by_ids)
            known += fitting
            misfits += unfit
    except ParseError as error:
        problem = f"not a Haystack filter: {error}"
    found.members = {one.id: one.reference for one in known}
    resumed = _pauses(store, rule, known, now)
    work: dict[Key, int | None] = {}
    for subject in known:
        pair = pairs.get(subject.id)
        if (after := _needed(subject, pair, resumed)) is not None:
            work[rule.pk, subject.id] = after
    left = [one for id, one in pairs.items() if id not in found.members]
    if left:
        forget(left, now, LEFT)
    keys = list(work)
    for at in range(0, len(keys), _PAGE):
        part = {key: work[key] for key in keys[at : at + _PAGE]}
        found.transitions += evaluate_pairs(store, {rule.pk: rule}, part, now)
    note(rule, len(known), problem or _problem(misfits, len(known)))
    return found


def _needed(
    subject: Subject, pair: AlarmPair | None, resumed: Mapping[str, int]
) -> int | None:
    """From when on a point must be evaluated; None if nothing has changed."""
    if pair is None or pair.meaning != subject.meaning:
        return 0
    end = None if pair.end is None else microseconds_of(pair.end)
    if (end, pair.size) != (subject.end, subject.size):
        return 0
    return resumed.get(subject.equip_id, resumed.get(""))


def _problem(misfits: Sequence[Misfit], fitting: int) -> str:
    if not misfits:
        return "" if fitting else "matches no points with history"
    named = "; ".join(map(str, misfits[:_NAMED]))
    count = len(misfits)
    return f"does not work for {count:,} of {count + fitting:,} points: {named}"


def note(rule: AlarmRule, points: int, problem: str) -> None:
    """Store for how many points a rule is, and what is wrong with it."""
    if (rule.points, rule.problem) != (points, problem):
        AlarmRule.objects.filter(pk=rule.pk).update(points=points, problem=problem)
        rule.points, rule.problem = points, problem


# -- pauses ----------------------------------------------------------------------


def _pauses(
    store: StorageAdapter, rule: AlarmRule, known: Sequence[Subject], now: dt.datetime
) -> dict[str, int]:
    """Begin and end pauses. After which time points must be evaluated, by equipment;
    with an empty id, all of them."""
    rows = AlarmPause.objects.filter(rule=rule).ending_after(now)
    open_by_equip = {one.equip_id: one for one in rows}
    changed: dict[str, int] = {}
    if _maintain(rule, open_by_equip.pop("", None), now):
        changed[""] = microseconds_of(now) - 1
    suppressed = _suppressed(store, rule, known)
    for id in suppressed - open_by_equip.keys():
        AlarmPause.objects.create(
            rule=rule,
            storage=rule.storage,
            equip_id=id,
            start=now,
            reason=_SUPPRESSED,
        )
    for id in open_by_equip.keys() - suppressed:
        _end(open_by_equip[id], now)
    for id in suppressed ^ open_by_equip.keys():
        changed[id] = microseconds_of(now) - 1
    return changed


def _maintain(rule: AlarmRule, pause: AlarmPause | None, now: dt.datetime) -> bool:
    """Begin, move or end the maintenance of a rule; whether anything changed."""
    until = rule.maintenance_until
    if until is None or until <= now:
        if pause is not None:
            _end(pause, now)
        return pause is not None
    reason = rule.maintenance_reason or _MAINTENANCE
    if pause is None:
        AlarmPause.objects.create(
            rule=rule, storage=rule.storage, start=now, end=until, reason=reason
        )
        return True
    is_moved = pause.end != until
    pause.end, pause.reason = until, reason
    pause.save(update_fields=["end", "reason"])
    return is_moved


def _end(pause: AlarmPause, now: dt.datetime) -> None:
    pause.end = max(now, pause.start)
    pause.save(update_fields=["end"])


def _suppressed(
    store: StorageAdapter, rule: AlarmRule, known: Sequence[Subject]
) -> set[str]:
    """The equipment of points that matches the filter of suppression."""
    ids = {one.equip_id for one in known if one.equip_id}
    if not (rule.suppress and ids):
        return set()
    return set(store.versions(And((store.parsed(rule.suppress), NOT_TRASH)), ids))
