"""The evaluator of the rules of one storage: news, what is due, and surveys.

It remembers which points the rules have; all else is in tables, so that another one
can go on at any time.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from django.db.models import Count, Max

from ..conf import limit
from ..models import AlarmNews, AlarmPair, AlarmPause, AlarmRule
from ..outages import is_outage
from ..storage.base import StorageAdapter
from .batch import Key, evaluate_pairs
from .survey import Survey, note, survey

__all__ = ["Evaluator", "begin"]

logger = logging.getLogger(__name__)

_PAIRS = 500
"""That are evaluated together."""
_NEWS_ROWS = 200
_REST_SECONDS = 15.0
"""Between two surveys of a rule."""
_SHARE = 100
"""Surveys take at most one part of this many of the time."""
_STOP = dt.timedelta(seconds=120)
"""After so long without an evaluator, ages count from its return."""
_ALIVE_SECONDS = 30.0
_STOPPED = "nothing evaluated alarms"
_FAILED = "its points could not be looked through; the log of the server says why"


class Evaluator:
    """``now`` of its methods is the time up to which is evaluated."""

    def __init__(self, store: StorageAdapter) -> None:
        self.store = store
        self.rules: dict[int, AlarmRule] = {}
        self.members: dict[int, Survey] = {}
        self.by_point: dict[str, set[Key]] = defaultdict(set)
        """The pairs for which the samples of a point matter."""
        self._stamp: object = None
        self._queue: list[int] = []
        """Rules whose survey is due."""
        self._next_survey = 0.0
        self._next_alive = 0.0

    def round(self, now: dt.datetime, check: Callable[[], None] = lambda: None) -> int:
        """Evaluate what has changed; how many transitions there were.

        ``check`` is called between steps, and may raise to end the round.
        """
        self._live(now)
        self._load_rules()
        count = self._surveys(now, check)
        count += self._news(now, check)
        return count + self._due(now, check)

    # -- rules and their points -------------------------------------------------

    def _load_rules(self) -> None:
        rows = AlarmRule.objects.enabled().filter(storage=self.store.alias)
        stamp = rows.aggregate(last=Max("edited"), count=Count("pk"))
        if stamp == self._stamp:
            return
        before, self.rules = self.rules, {rule.pk: rule for rule in rows}
        for key in before.keys() - self.rules.keys():
            self._set_members(key, Survey())
        changed = [
            key
            for key, rule in self.rules.items()
            if key not in before or before[key].edited != rule.edited
        ]
        self._queue = [*changed, *(key for key in self._queue if key not in changed)]
        self._stamp = stamp
        if changed:
            self._next_survey = 0.0

    def _set_members(self, key: int, found: Survey) -> None:
        before = self.members.pop(key, Survey())
        for id, other in before.members.items():
            self._drop(id, (key, id))
            if other is not None:
                self._drop(other, (key, id))
        if key not in self.rules:
            return
        self.members[key] = found
        for id, other in found.members.items():
            self.by_point[id].add((key, id))
            if other is not None:
                self.by_point[other].add((key, id))

    def _drop(self, point: str, pair: Key) -> None:
        held = self.by_point[point]
        held.discard(pair)
        if not held:
            del self.by_point[point]

    # -- surveys ----------------------------------------------------------------

    def _surveys(self, now: dt.datetime, check: Callable[[], None]) -> int:
        """Rules that were not seen yet at once, the others in a share of the time."""
        count = 0
        for key in [one for one in self.rules if one not in self.members]:
            check()
            count += self._survey(key, now)
        began = time.monotonic()
        if began < self._next_survey:
            return count
        if not self._queue:
            self._queue = list(self.rules)
        taken = 0.0
        while self._queue and taken < 1.0:
            check()
            key = self._queue.pop(0)
            if key in self.rules:
                count += self._survey(key, now)
            taken = time.monotonic() - began
        rest = taken * _SHARE
        if not self._queue:
            rest = max(rest, _REST_SECONDS)
        self._next_survey = began + rest
        return count

    def _survey(self, key: int, now: dt.datetime) -> int:
        """A rule that fails keeps no other from being evaluated, nor its own points."""
        try:
            with self.store.time_limit(limit("STATEMENT_SECONDS")):
                found = survey(self.store, self.rules[key], now)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("the survey of rule %s failed", key)
            note(self.rules[key], self.rules[key].points, _FAILED)
            if key not in self.members:
                self._set_members(key, Survey())
            return 0
        self._set_members(key, found)
        return found.transitions

    def survey_soon(self) -> None:
        """Survey all rules in the next round."""
        self._queue, self._next_survey = list(self.rules), 0.0

    # -- news and what is due ---------------------------------------------------

    def _news(self, now: dt.datetime, check: Callable[[], None]) -> int:
        rows = list(
            AlarmNews.objects.filter(storage=self.store.alias).order_by("pk")[
                :_NEWS_ROWS
            ]
        )
        starts: dict[str, int] = {}
        for row in rows:
            for id, start in row.points.items():
                starts[id] = min(start, starts.get(id, start))
        work = {
            pair: min(
                starts[id]
                for id in (pair[1], self.members[pair[0]].members[pair[1]])
                if id in starts
            )
            - 1
            for point in starts.keys() & self.by_point.keys()
            for pair in self.by_point[point]
        }
        count = self._evaluate(work, now, check)
        AlarmNews.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return count

    def _due(self, now: dt.datetime, check: Callable[[], None]) -> int:
        rows = AlarmPair.objects.filter(
            rule__storage=self.store.alias, rule__enabled=True, due__lte=now
        )
        keys: Iterable[Key] = rows.values_list("rule_id", "point_id")[: 4 * _PAIRS]
        return self._evaluate(dict.fromkeys(keys), now, check)

    def _evaluate(
        self,
        work: dict[Key, int | None] | dict[Key, int],
        now: dt.datetime,
        check: Callable[[], None],
    ) -> int:
        keys = sorted(work)
        count = 0
        for at in range(0, len(keys), _PAIRS):
            check()
            part = {key: work[key] for key in keys[at : at + _PAIRS]}
            with self.store.time_limit(limit("STATEMENT_SECONDS")):
                count += evaluate_pairs(self.store, self.rules, part, now)
        return count

    # -- being alive ------------------------------------------------------------

    def _live(self, now: dt.datetime) -> None:
        if time.monotonic() >= self._next_alive:
            begin(self.store.alias, now)
            self._next_alive = time.monotonic() + _ALIVE_SECONDS


def begin(alias: str, now: dt.datetime) -> None:
    """Say that alarms of a storage are evaluated at this time.

    The pause that is not ended begins at the last such time. If that is long ago, it
    ends now: ages count from here.
    """
    rows = AlarmPause.objects.filter(storage=alias, rule=None)
    last = rows.filter(end=None).first()
    if last is not None and now - last.start < _STOP:
        if now > last.start:
            last.start = now
            last.save(update_fields=["start"])
        return
    if last is not None:
        last.end = now
        last.save(update_fields=["end"])
    AlarmPause.objects.create(storage=alias, start=now, reason=_STOPPED)
