"""Which back-ups are kept: of the last days, weeks and months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable

from .targets import Target, time_of

__all__ = ["delete_old", "kept"]

DAILY, WEEKLY, MONTHLY = 7, 4, 12
_ABANDONED = dt.timedelta(days=2)
"""Age at which a back-up without a manifest is not being written any more."""


def kept(names: Iterable[str]) -> set[str]:
    """The newest back-ups of 7 days, of 4 weeks and of 12 months that have any."""
    newest_first = sorted(names, reverse=True)
    rules: tuple[tuple[int, Callable[[dt.datetime], Hashable]], ...] = (
        (DAILY, lambda time: time.date()),
        (WEEKLY, lambda time: time.isocalendar()[:2]),
        (MONTHLY, lambda time: (time.year, time.month)),
    )
    found: set[str] = set()
    for count, period_of in rules:
        newest: dict[Hashable, str] = {}
        for name in newest_first:
            newest.setdefault(period_of(time_of(name)), name)
        found.update(list(newest.values())[:count])
    return found


def delete_old(target: Target, now: dt.datetime) -> list[str]:
    """Delete what is not kept, and what was never completed; returns the names.

    Raises BackupError.
    """
    complete = target.complete()
    keep = kept(complete)
    old = [
        name
        for name in target.names()
        if name not in keep and (name in complete or time_of(name) < now - _ABANDONED)
    ]
    for name in old:
        target.delete(name)
    return old
