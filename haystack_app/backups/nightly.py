"""The nightly job that backs up to the target of the setting ``BACKUP``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ..conf import app_settings
from ..jobs.context import JobContext, JobFailed
from ..jobs.tasks import task
from ..outages import is_outage
from .encryption import key_from_text
from .errors import BackupError
from .making import BackupOptions, make_backup
from .retention import delete_old
from .targets import target_of

__all__ = ["back_up", "configured_options"]


def configured_options() -> BackupOptions:
    """Those of the setting. Raises BackupError."""
    given = app_settings.BACKUP
    key = key_from_text(given["KEY"]) if given["KEY"] else None
    return BackupOptions(key, given["PROGRAMS"])


@task(title="back up", schedule="0 1 * * *", is_scheduled=False, max_attempts=3)
def back_up(context: JobContext) -> dict[str, Any]:
    """Make a back-up, then delete those that are not kept.

    Returns its name, its bytes, and the names that were deleted.
    """
    given = app_settings.BACKUP
    if not given["TARGET"]:
        raise JobFailed("HAYSTACK['BACKUP']['TARGET'] must name a folder or a bucket")
    target = target_of(given["TARGET"])
    try:
        name, manifest = make_backup(
            target,
            configured_options(),
            given["STORAGES"],
            lambda what: context.progress(0, None, what),
        )
    except BackupError as error:
        if error.__cause__ is not None and is_outage(error.__cause__):
            raise error.__cause__ from None  # tried again
        raise JobFailed(str(error)) from error
    deleted = delete_old(target, dt.datetime.now(dt.UTC))
    return {"name": name, "bytes": manifest.size, "deleted": deleted}
