"""Hints for the evaluator: which points have samples that were written.

A process that writes samples collects the hints, and a thread of it stores them once a
second, only for storages with rules. Processes without the thread, such as management
commands, store none: the evaluator's survey finds their samples.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from ..jobs.looking_thread import LookingThread
from ..kinds.series import microseconds_of
from ..models import AlarmNews, AlarmRule
from ..storage.signals import SampleSpan, samples_written

__all__ = ["MOST_ROWS", "NewsThread", "collect", "flush", "start"]

_RULES_SECONDS = 5.0
_POINTS_OF_A_ROW = 5_000
_MOST_POINTS = 500_000
MOST_ROWS = 2_000
"""Of a storage that are kept; the survey finds the samples of the others."""

_lock = Lock()
_news: dict[str, dict[str, int]] = {}


def collect(alias: str, samples: Mapping[str, SampleSpan], **_: Any) -> None:
    """Remember the first times that were written, by point."""
    with _lock:
        held = _news.setdefault(alias, {})
        if len(held) > _MOST_POINTS:  # nothing stores them
            return
        for id, span in samples.items():
            start = microseconds_of(span.start)
            held[id] = min(start, held.get(id, start))


def flush(aliases: frozenset[str]) -> None:
    """Store what was collected of these storages, and forget the rest."""
    with _lock:
        taken = dict(_news)
        _news.clear()
    rows = []
    for alias in aliases & taken.keys():
        items = list(taken[alias].items())
        rows += [
            AlarmNews(storage=alias, points=dict(items[at : at + _POINTS_OF_A_ROW]))
            for at in range(0, len(items), _POINTS_OF_A_ROW)
        ]
    if rows:
        AlarmNews.objects.bulk_create(rows)


class NewsThread(LookingThread):
    """Stores hints once a second."""

    def __init__(self) -> None:
        super().__init__("alarm-news", "hints for alarms")
        self.aliases: frozenset[str] = frozenset()
        self.ask_at = 0.0

    def look(self) -> None:
        if time.monotonic() >= self.ask_at:
            rules = AlarmRule.objects.enabled().values_list("storage", flat=True)
            self.aliases = frozenset(rules.distinct())
            self.ask_at = time.monotonic() + _RULES_SECONDS
        if _news:
            flush(self.aliases)


def start() -> NewsThread:
    """Collect hints in this process from now on."""
    samples_written.connect(collect)
    thread = NewsThread()
    thread.start()
    return thread
