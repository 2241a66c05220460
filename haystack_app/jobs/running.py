"""Runs one job that a worker has taken."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from django.core.exceptions import PermissionDenied
from django_tasks.base import Task
from django_tasks.utils import get_module_path, normalize_json

from ..models import Job
from ..outages import is_outage
from ..replicas.positions import note
from . import claims
from .backend import result_of
from .context import (
    JobCancelled,
    JobContext,
    JobFailed,
    JobLost,
    JobPaused,
    JobSignals,
)
from .tasks import find_task

__all__ = ["run"]

logger = logging.getLogger(__name__)
_ATTEMPTS = 5


def run(job: Job, signals: JobSignals) -> None:
    """Call the task of a job and store what became of it.

    Raises only what prevents storing that, such as a database that is down. Then the
    lease ends and the job is taken again.
    """
    try:
        task = find_task(job.task)
    except ImportError as error:
        _fail(job, error, str(error))
        return
    most = getattr(task, "max_attempts", _ATTEMPTS)
    if job.attempts > most:
        died = JobFailed(f"its worker died {most} times while it ran")
        _fail(job, died, str(died))
        return
    try:
        try:
            result = normalize_json(_call(task, job, signals))
        finally:
            if job.owner_id is not None:  # who reads once the job has ended
                note(job.owner_id)
    except JobPaused:
        claims.yield_back(job)
    except JobLost:
        logger.warning("job %s is not held by this worker any more", job.pk)
    except JobCancelled:
        claims.end(job, Job.Status.CANCELLED)
    except (JobFailed, PermissionDenied) as error:
        _fail(job, error, str(error))
    except Exception as error:
        _failed(job, error, most)
    else:
        claims.end(job, Job.Status.SUCCESSFUL, result=result)


def _call(task: Task[..., Any], job: Job, signals: JobSignals) -> Any:
    if not task.takes_context:
        return task.call(*job.args, **job.kwargs)
    result = result_of(job, task, task.backend)
    context = JobContext(task_result=result, job=job, signals=signals)
    context.caller()  # refuses a disabled owner
    context.check()
    return task.call(context, *job.args, **job.kwargs)


def _failed(job: Job, error: Exception, most: int) -> None:
    """Errors of the app have texts for people, and no second attempt helps."""
    is_ours = type(error).__module__.startswith("haystack_app.")
    if is_ours and isinstance(error, ValueError | LookupError):
        _fail(job, error, str(error))
        return
    if not is_outage(error):
        logger.exception("job %s failed", job.pk, exc_info=error)
    entry = _entry(error, "a service was not available" if is_outage(error) else "")
    if job.attempts < most:
        claims.retry(job, entry)
    else:
        claims.end(job, Job.Status.FAILED, error=entry)


def _fail(job: Job, error: Exception, text: str) -> None:
    entry = claims.error_entry(get_module_path(type(error)), text)
    claims.end(job, Job.Status.FAILED, error=entry)


def _entry(error: Exception, text: str) -> dict[str, str]:
    """The traceback is for staff: messages of drivers have hosts and users in them."""
    return claims.error_entry(
        get_module_path(type(error)),
        text or f"internal error ({type(error).__name__})",
        "".join(traceback.format_exception(error)),
    )
