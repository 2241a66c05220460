"""The job that evaluates rules and tells of alarms.

One runs for all storages that processes share, and one in each process with a storage
in its memory.
"""

from __future__ import annotations

import logging
import time

from django.db import close_old_connections, connections
from django.utils import timezone

from ..jobs import ALARMS, JobContext, task
from ..jobs.context import JobCancelled, JobLost, JobPaused
from ..jobs.standing import StandingJob, StandingStarter
from ..models import AlarmMail, AlarmPair, AlarmRule
from ..outages import is_outage
from ..storage.handler import storages
from . import news
from .batch import forget
from .evaluator import Evaluator
from .mail import Mailer
from .retention import Pruning

__all__ = ["EVALUATION", "evaluate_alarms", "start"]

logger = logging.getLogger(__name__)

_LIFETIME_SECONDS = 3_600.0
"""After which another job goes on, so that the list of jobs shows that it works."""
_IDLE_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
"""After an error of a database."""
_PAIRS = 1_000
_ENDED = (JobCancelled, JobLost, JobPaused)
_OFF = "the rule was switched off"


@task(title="evaluate alarms", queue_name=ALARMS, max_attempts=1_000_000)
def evaluate_alarms(context: JobContext, shared: bool = True) -> None:
    """Run until there is no rule, or for an hour, after which another job does."""
    if _Loop(context, shared=shared).run():
        EVALUATION.go_on(shared=shared)


def _aliases(shared: bool) -> list[str]:
    return [alias for alias in storages if storages[alias].shared == shared]


def _is_wanted(shared: bool) -> bool:
    """Whether there are rules, or something is left to do of former ones."""
    aliases = _aliases(shared)
    rules = AlarmRule.objects.filter(storage__in=aliases)
    return (
        rules.enabled().exists()
        or AlarmPair.objects.filter(rule__in=rules).exists()
        or (shared and AlarmMail.objects.exists())
    )


EVALUATION = StandingJob("alarms", evaluate_alarms, _is_wanted)


class _Loop:
    def __init__(self, context: JobContext, *, shared: bool) -> None:
        self.context = context
        self.shared = shared
        self.evaluators: dict[str, Evaluator] = {}
        self.mailer = Mailer() if shared else None
        self.pruning = Pruning()

    def run(self) -> bool:
        """Whether there is more to do when the time is up."""
        end = time.monotonic() + _LIFETIME_SECONDS
        try:
            while time.monotonic() < end:
                self.context.check()
                pause = self._surviving_round()
                if pause is None:
                    return False
                time.sleep(pause)
            return True
        finally:
            if self.mailer is not None:
                self.mailer.finish()

    def _surviving_round(self) -> float | None:
        """Seconds to wait; None if there is nothing to do any more."""
        try:
            if not _is_wanted(self.shared):
                return None
            self._round()
        except _ENDED:
            raise
        except Exception as error:
            if not is_outage(error):
                logger.exception("evaluating alarms failed; trying again")
            connections.close_all()
            return _PAUSE_SECONDS
        close_old_connections()
        return _IDLE_SECONDS

    def _round(self) -> None:
        self._forget_disabled()
        if self.mailer is not None:
            self.mailer.round(timezone.now())
            self.pruning.round(timezone.now())
        failed: list[Exception] = []
        for alias in _aliases(self.shared):
            try:
                self._evaluator(alias).round(timezone.now(), self.context.check)
            except _ENDED:
                raise
            except Exception as error:  # others are evaluated still
                self.evaluators.pop(alias, None)
                failed.append(error)
        if failed:
            raise failed[0]

    def _evaluator(self, alias: str) -> Evaluator:
        if alias not in self.evaluators:
            self.evaluators[alias] = Evaluator(storages[alias])
        return self.evaluators[alias]

    def _forget_disabled(self) -> None:
        pairs = AlarmPair.objects.filter(
            rule__enabled=False, rule__storage__in=_aliases(self.shared)
        )
        while some := list(pairs[:_PAIRS]):
            self.context.check()
            forget(some, timezone.now(), _OFF)


def start() -> StandingStarter:
    """Start what collects hints and looks for rules in this server process."""
    news.start()
    starter = StandingStarter(EVALUATION)
    starter.start()
    return starter
