"""How long the change log is kept: ``HAYSTACK["CHANGES_DAYS"]``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings

from .storage.handler import storages

__all__ = ["BATCH", "DAYS", "kept_days", "prune_all", "prune_some", "right_days"]

DAYS = 365.0
BATCH = 1_000
"""Entries that are taken away at once: readers and writers hardly notice."""
_MOST_DAYS = 36_500


def right_days(value: Any) -> bool:
    """None and 0 keep everything."""
    if value is None:
        return True
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= _MOST_DAYS


def kept_days() -> float:
    """0: for ever. Where the settings are wrong, the default counts."""
    value = settings.HAYSTACK.get("CHANGES_DAYS", DAYS)
    return float(value or 0) if right_days(value) else DAYS


def prune_some(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Take a batch of what is too old from the log of each store.

    How many entries that were of the store with the most, and the errors of stores
    that failed by alias. With ``BATCH`` of them there may be others.
    """
    most = 0
    errors: dict[str, Exception] = {}
    if days := kept_days():
        before = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=days)
        for alias in storages:
            try:
                most = max(most, storages[alias].prune_changes(before, BATCH))
            except Exception as error:
                errors[alias] = error
    return most, errors


def prune_all(alias: str, days: float) -> int:
    """Take away whatever is older from one store; how many entries."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    store, total = storages[alias], 0
    while count := store.prune_changes(before, BATCH):
        total += count
    return total
