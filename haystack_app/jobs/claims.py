"""Which worker holds which job: taking, keeping and ending jobs in their table.

Times are those of the database, since the clocks of machines differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django.db import router, transaction
from django.db.models.functions import Now
from django.utils import timezone

from ..models import Job, JobBody
from . import local

__all__ = [
    "cancel",
    "claim",
    "end",
    "end_orphans",
    "error_entry",
    "has_due",
    "keep",
    "keep_bound",
    "retry",
    "yield_back",
]

_BACKOFF_SECONDS = 5.0
_LONGEST_BACKOFF_SECONDS = 3_600.0
_ERRORS = 20
"""The last ones that a job keeps."""
_TEXT = 8_000


def has_due(queues: Collection[str], process: str = "") -> bool:
    return Job.objects.due(queues, process).exists()


def claim(queues: Collection[str], holder: str, process: str = "") -> Job | None:
    """Take the first due job, or None.

    A job that was cancelled after its worker died ends here.
    """
    # a read does not wait, but a transaction of SQLite locks the database
    if not has_due(queues, process):
        return None
    using = router.db_for_write(Job)
    with transaction.atomic(using=using):
        due = Job.objects.using(using).due(queues, process)
        job = due.select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:
            return None
        if job.cancel_requested:
            _finish(job, Job.Status.CANCELLED)
            return None
        now = timezone.now()
        job.status, job.holder = Job.Status.RUNNING, holder
        job.attempts += 1
        job.started_at = job.started_at or now
        job.last_attempted_at = now
        Job.objects.using(using).filter(pk=job.pk).update(
            status=job.status,
            holder=holder,
            attempts=job.attempts,
            started_at=job.started_at,
            last_attempted_at=now,
            lease_until=Now() + local.lease(),
        )
    return job


def keep(jobs: Mapping[int, Job], holder: str) -> Mapping[int, bool]:
    """Extend the leases of running jobs and store their progress.

    Returns whether each is cancelled; one that is missing is not held any more.
    """
    held = Job.objects.held_by(holder)
    for pk, job in jobs.items():
        held.filter(pk=pk).update(
            lease_until=Now() + local.lease(),
            done=job.done,
            total=job.total,
            note=job.note,
        )
    found = held.filter(pk__in=jobs).values_list("pk", "cancel_requested")
    return dict(found)


def keep_bound(process: str) -> None:
    """Extend the leases of jobs that wait for this process."""
    waiting = Job.objects.unfinished().filter(process=process, status=Job.Status.READY)
    if waiting.exists():  # an update takes the lock of SQLite, also of no rows
        waiting.update(lease_until=Now() + local.lease())


def end_orphans() -> int:
    """End the jobs whose only process has ended. Returns their number."""
    orphans = Job.objects.unfinished().exclude(process="")
    found = list(orphans.filter(lease_until__lt=Now())[:100])
    for job in found:
        _finish(
            job,
            Job.Status.FAILED,
            error=error_entry(
                "JobFailed", "the server process that had to run it ended"
            ),
        )
    return len(found)


def end(job: Job, status: str, result: Any = None, error: Any = None) -> bool:
    """Store what became of a job, if its holder still holds it."""
    held = Job.objects.held_by(job.holder).filter(pk=job.pk)
    return _finish(job, status, result, error, held)


def _finish(
    job: Job,
    status: str,
    result: Any = None,
    error: dict[str, str] | None = None,
    rows: Any = None,
) -> bool:
    using = router.db_for_write(Job)
    errors = [*job.errors, *([error] if error else [])][-_ERRORS:]
    rows = Job.objects.unfinished().filter(pk=job.pk) if rows is None else rows
    with transaction.atomic(using=using):
        changed = rows.using(using).update(
            status=status,
            finished_at=timezone.now(),
            lease_until=None,
            done=job.done,
            total=job.total,
            note=job.note,
            result=result,
            errors=errors,
        )
        if changed:
            JobBody.objects.using(using).filter(job=job.pk).delete()
    return bool(changed)


def retry(job: Job, error: dict[str, str]) -> bool:
    """Let it be tried again after a pause that grows with each attempt."""
    seconds = min(_BACKOFF_SECONDS * 2 ** (job.attempts - 1), _LONGEST_BACKOFF_SECONDS)
    errors = [*job.errors, error][-_ERRORS:]
    return bool(
        Job.objects.held_by(job.holder)
        .filter(pk=job.pk)
        .update(
            status=Job.Status.READY,
            lease_until=None,
            run_after=Now() + dt.timedelta(seconds=seconds),
            errors=errors,
        )
    )


def yield_back(job: Job) -> bool:
    """Let another worker go on with it; this was not an attempt."""
    return bool(
        Job.objects.held_by(job.holder)
        .filter(pk=job.pk)
        .update(
            status=Job.Status.READY,
            attempts=max(job.attempts - 1, 0),
            lease_until=None,
        )
    )


def cancel(job: Job) -> bool:
    """Cancel a job: at once if it waits, else at its next step. False if finished."""
    using = router.db_for_write(Job)
    with transaction.atomic(using=using):
        rows = Job.objects.using(using).unfinished().filter(pk=job.pk)
        if not rows.update(cancel_requested=True):
            return False
        waiting = rows.filter(status=Job.Status.READY)
        if waiting.update(
            status=Job.Status.CANCELLED, finished_at=timezone.now(), lease_until=None
        ):
            JobBody.objects.using(using).filter(job=job.pk).delete()
    return True


def error_entry(name: str, message: str, traceback: str = "") -> dict[str, str]:
    return {
        "at": timezone.now().isoformat(),
        "class": name,
        "message": message[:_TEXT],
        "traceback": traceback[-_TEXT:],
    }
