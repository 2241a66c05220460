"""The backend of django-tasks that keeps jobs in the table of ``Job``.

It also serves a project's own tasks: ``TASKS = {"default": {"BACKEND":
"haystack_app.jobs.JobBackend", "QUEUES": ["short", "long"]}}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import router, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskError, TaskResult, TaskResultStatus
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks.signals import task_enqueued
from django_tasks.utils import normalize_json

from ..models import Job, JobBody, JobSchedule
from . import local
from .tasks import find_task

__all__ = ["JobBackend", "enqueue_bound", "enqueue_for", "result_of"]

_STATUSES = {
    Job.Status.READY: TaskResultStatus.READY,
    Job.Status.RUNNING: TaskResultStatus.RUNNING,
    Job.Status.SUCCESSFUL: TaskResultStatus.SUCCESSFUL,
    Job.Status.FAILED: TaskResultStatus.FAILED,
    Job.Status.CANCELLED: TaskResultStatus.FAILED,
}


class JobBackend(BaseTaskBackend):
    supports_defer = True
    supports_get_result = True
    supports_priority = True

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """A job of the server itself, without an owner."""
        return self.result(_enqueued(self, task, args, kwargs))

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Raises TaskResultDoesNotExist."""
        job = (
            Job.objects.filter(pk=result_id).first() if result_id.isdecimal() else None
        )
        if job is None:
            raise TaskResultDoesNotExist(result_id)
        return self.result(job)

    def result(self, job: Job) -> TaskResult[Any]:
        return result_of(job, find_task(job.task), self.alias)


def enqueue_for(
    user: Any,
    task: Task[..., Any],
    *args: Any,
    title: str = "",
    process: str = "",
    body: tuple[str, bytes] | None = None,
    **kwargs: Any,
) -> Job:
    """A job of a user, with the user's rights and scope at the time of each step.

    ``process`` binds it to a process (``local.name_of_process``); ``body`` is a content
    type and the bytes that the job reads by ``context.body()``.
    """
    return _enqueued(
        task.get_backend(),
        task,
        args,
        kwargs,
        owner=user,
        owner_name=user.get_username(),
        title=title,
        process=process,
        body=body,
    )


def enqueue_bound(task: Task[..., Any], *args: Any, **kwargs: Any) -> Job:
    """A job of the server itself that only this process may run."""
    process = local.name_of_process()
    return _enqueued(task.get_backend(), task, args, kwargs, process=process)


def enqueue_scheduled(schedule: JobSchedule) -> Job:
    """Raises ImportError if the schedule names no task."""
    task = find_task(schedule.task)
    return _enqueued(task.get_backend(), task, (), schedule.kwargs, schedule=schedule)


def _enqueued(
    backend: BaseTaskBackend,
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    body: tuple[str, bytes] | None = None,
    title: str = "",
    **fields: Any,
) -> Job:
    backend.validate_task(task)
    job = Job(
        task=task.module_path,
        title=title or getattr(task, "title", "") or task.name,
        queue=task.queue_name,
        priority=task.priority,
        args=normalize_json(list(args)),
        kwargs=normalize_json(dict(kwargs)),
        enqueued_at=timezone.now(),
        run_after=task.run_after,
        **fields,
    )
    using = router.db_for_write(Job)
    with transaction.atomic(using=using):
        if job.process:  # until its process extends it
            job.lease_until = Now() + local.lease()
        job.save(using=using, force_insert=True)
        if body is not None:
            content_type, data = body
            JobBody.objects.using(using).create(
                job=job, content_type=content_type, data=data
            )
        transaction.on_commit(local.wake, using=using, robust=True)
    if isinstance(backend, JobBackend):
        task_enqueued.send(
            type(backend), task_result=result_of(job, task, backend.alias)
        )
    return job


def result_of(job: Job, task: Task[..., Any], alias: str) -> TaskResult[Any]:
    """The job, as django-tasks sees it."""
    result: TaskResult[Any] = TaskResult(
        task=task,
        id=str(job.pk),
        status=_STATUSES[Job.Status(job.status)],
        enqueued_at=job.enqueued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        last_attempted_at=job.last_attempted_at,
        args=job.args,
        kwargs=job.kwargs,
        backend=alias,
        errors=[
            TaskError(exception_class_path=error["class"], traceback=error["traceback"])
            for error in job.errors
        ],
        worker_ids=[job.holder] * job.attempts,
    )
    object.__setattr__(result, "_return_value", job.result)
    return result
