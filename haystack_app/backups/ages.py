"""How old the newest back-up of the setting ``BACKUP`` is."""

from __future__ import annotations

import datetime as dt
import time
from typing import NamedTuple

from ..conf import app_settings
from .targets import target_of, time_of

__all__ = ["LastBackup", "last_backup"]

_SECONDS = 300.0
"""How long the answer of a target is remembered, which may be far away."""
_remembered: dict[str, tuple[float, dt.datetime | None]] = {}


class LastBackup(NamedTuple):
    target: str
    at: dt.datetime | None
    """None if there is no complete back-up."""

    @property
    def seconds(self) -> float:
        """Its age; infinite without one."""
        if self.at is None:
            return float("inf")
        return (dt.datetime.now(dt.UTC) - self.at).total_seconds()


def last_backup() -> LastBackup | None:
    """None where no target is set. Raises BackupError."""
    text = app_settings.BACKUP["TARGET"]
    if not text:
        return None
    until, at = _remembered.get(text, (0.0, None))
    if time.monotonic() >= until:
        names = target_of(text).complete()
        at = time_of(names[-1]) if names else None
        _remembered[text] = time.monotonic() + _SECONDS, at
    return LastBackup(text, at)
