"""What a rule would have raised, before it is switched on.

The last days are evaluated as they are in the histories, with the tags and refs of
now. Maintenance and suppression are left out, for nothing has recorded them.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..kinds.series import instant_of, microseconds_of
from ..models import AlarmRule
from ..storage.base import StorageAdapter
from .evaluation import Interval, evaluate
from .samples import Samples
from .segments import Facts, lookback
from .subjects import Misfit, Subject, subjects
from .survey import pages, points_of

__all__ = ["DAYS", "DryRun", "PointRun", "dry_run"]

DAYS = 30
_SECONDS = 10.0
"""After which it ends with the points that it has got to."""
_POINTS = 20
"""Whose histories are in memory together."""
_LISTED = 20
_NAMED = 5


@dataclass(frozen=True, slots=True)
class PointRun:
    """The alarms of one point."""

    id: str
    dis: str
    count: int
    is_open: bool
    raised_seconds: float

    @property
    def raised_hours(self) -> float:
        return self.raised_seconds / 3_600


@dataclass(slots=True)
class DryRun:
    """``matched`` points of the filter, of which ``evaluated`` were got to in time.

    ``alarms`` of them by UTC day in ``days``; ``worst`` are the points with most of
    them. ``misfits`` points do not fit the rule, for which ``problems`` gives reasons.
    """

    start: dt.datetime
    end: dt.datetime
    matched: int = 0
    evaluated: int = 0
    misfits: int = 0
    problems: list[str] = field(default_factory=list)
    alarms: int = 0
    open: int = 0
    days: Counter[dt.date] = field(default_factory=Counter)
    runs: list[PointRun] = field(default_factory=list)

    @property
    def worst(self) -> list[PointRun]:
        return sorted(self.runs, key=lambda one: (-one.count, one.id))[:_LISTED]

    @property
    def by_day(self) -> list[tuple[dt.date, int]]:
        return sorted(self.days.items())

    @property
    def is_cut(self) -> bool:
        return self.evaluated + self.misfits < self.matched

    @property
    def warnings(self) -> list[str]:
        """For people: what looks wrong with the rule."""
        found = []
        if not self.matched:
            found.append("the filter matches no points with history")
        if self.misfits:
            reasons = "; ".join(self.problems)
            found.append(f"does not work for {self.misfits:,} points: {reasons}")
        if self.is_cut:
            found.append(
                f"there was time for {self.evaluated:,} of {self.matched:,} points"
            )
        return found

    def add_misfits(self, found: Sequence[Misfit]) -> None:
        self.misfits += len(found)
        left = max(_NAMED - len(self.problems), 0)
        self.problems += map(str, found[:left])

    def add(self, subject: Subject, found: Sequence[Interval]) -> None:
        self.evaluated += 1
        if not found:
            return
        end = microseconds_of(self.end)
        self.alarms += len(found)
        is_open = found[-1].end is None
        self.open += is_open
        self.days.update(instant_of(one.start or 0).date() for one in found)
        raised = sum((one.end or end) - (one.start or 0) for one in found)
        run = PointRun(subject.id, subject.dis, len(found), is_open, raised / 1e6)
        self.runs.append(run)


def dry_run(
    store: StorageAdapter,
    rule: AlarmRule,
    now: dt.datetime,
    days: int = DAYS,
    seconds: float = _SECONDS,
) -> DryRun:
    """Evaluate a rule, which may not be saved, for what a caller sees of a store.

    Raises ParseError.
    """
    run = DryRun(now - dt.timedelta(days=days), now)
    tree = points_of(store, rule)
    run.matched = store.count(tree)
    ends = time.monotonic() + seconds
    for page in pages(store, tree):
        fitting, misfits = subjects(rule, page, store.read_by_ids)
        run.add_misfits(misfits)
        for subject, found in _evaluated(store, fitting, run):
            run.add(subject, found)
            if time.monotonic() > ends:
                return run
    return run


def _evaluated(
    store: StorageAdapter, found: Iterable[Subject], run: DryRun
) -> Iterator[tuple[Subject, list[Interval]]]:
    first, last = microseconds_of(run.start), microseconds_of(run.end)
    for part in _parts(found):
        starts: dict[str, int] = {}
        for one in part:
            start = first - lookback(one.condition, one.hold)
            for id in filter(None, (one.id, one.reference)):
                starts[id] = min(start, starts.get(id, start))
        histories = store.his_since(starts)
        for one in part:
            yield one, _intervals(one, histories, first, last)


def _intervals(
    subject: Subject, histories: dict[str, list[tuple[int, Any]]], first: int, last: int
) -> list[Interval]:
    other = subject.reference
    facts = Facts(
        Samples.of(histories[subject.id], subject.hold),
        None if other is None else Samples.of(histories[other]),
    )
    outcome = evaluate(subject.condition, facts, first - 1, last, is_raised=False)
    return outcome.intervals


def _parts(found: Iterable[Subject]) -> Iterator[list[Subject]]:
    left = iter(found)
    while part := list(islice(left, _POINTS)):
        yield part
