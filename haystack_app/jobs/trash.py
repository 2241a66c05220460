"""The nightly job that empties the trash."""

from __future__ import annotations

import datetime as dt

from ..conf import app_settings
from ..storage.handler import storages
from .context import JobContext
from .tasks import task

__all__ = ["empty_trash"]

_WHO = "trash"
_AT_ONCE = 1_000


@task(title="empty the trash", schedule="50 2 * * *")
def empty_trash(context: JobContext) -> dict[str, int]:
    """Remove what has been in the trash for ``HAYSTACK["TRASH_DAYS"]`` days.

    Returns the number of removed entities by storage. What others refer to stays. A
    storage of a single process is left to ``maintenance`` there.
    """
    if not (days := app_settings.TRASH_DAYS):
        return {}
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    shared = [alias for alias in storages if storages[alias].shared]
    return {alias: _emptied(context, alias, before) for alias in shared}


def _emptied(context: JobContext, alias: str, before: dt.datetime) -> int:
    count = 0
    while True:
        done = storages[alias].empty_trash(before=before, limit=_AT_ONCE, who=_WHO)
        count += len(done.removed)
        context.progress(count, None, f"{alias}: {count:,} entities")
        if not done.more:
            return count
