"""What a running task knows of its job, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router, transaction
from django_tasks.base import TaskContext

from ..auth.caller import Caller
from ..models import Job, JobBody

__all__ = [
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobLost",
    "JobPaused",
    "JobSignals",
]


class JobFailed(Exception):
    """The job cannot succeed; the text is for its owner. It is not tried again."""


class JobCancelled(Exception):
    """The job was cancelled by a user."""


class JobPaused(Exception):
    """The worker stops; another one goes on from the checkpoint."""


class JobLost(Exception):
    """Another worker holds the job, or it was deleted."""


@dataclass(slots=True)
class JobSignals:
    """What other threads tell a running job."""

    cancelled: Event = field(default_factory=Event)
    lost: Event = field(default_factory=Event)
    stopping: Event = field(default_factory=Event)

    def check(self) -> None:
        """Raise JobLost, JobCancelled or JobPaused if the work must end."""
        if self.lost.is_set():
            raise JobLost
        if self.cancelled.is_set():
            raise JobCancelled
        if self.stopping.is_set():
            raise JobPaused


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext(TaskContext):
    """The first argument of a task.

    A task that takes long does its work in steps, each a transaction that also saves
    where it is, and begins again from ``checkpoint``.
    """

    job: Job
    signals: JobSignals

    @property
    def checkpoint(self) -> Any:
        """What the last complete step saved; None at the beginning."""
        return self.job.checkpoint

    def check(self) -> None:
        """Raise JobCancelled, JobPaused or JobLost if the task must end."""
        self.signals.check()

    def caller(self) -> Caller | None:
        """The owner as of now, with rights and scope; None for the server's own jobs.

        Raises JobFailed if the owner was disabled or deleted.
        """
        if not self.job.owner_name:
            return None
        users = get_user_model()._default_manager
        user = users.filter(haystack_jobs=self.job, is_active=True).first()
        if user is None:
            raise JobFailed(f"user {self.job.owner_name!r} is disabled or deleted")
        return Caller(user)

    def body(self) -> tuple[str, bytes]:
        """The content type and the bytes that it was enqueued with."""
        body = JobBody.objects.get(job=self.job)
        return body.content_type, bytes(body.data)

    def progress(
        self, done: int, total: int | None = None, note: str | None = None
    ) -> None:
        """Say what is done, for the worker to store at intervals, also while a step
        is not complete. Raises as ``check``."""
        self.job.done = done
        if total is not None:
            self.job.total = total
        if note is not None:
            self.job.note = note
        self.check()

    @contextmanager
    def step(self, checkpoint: Any, done: int | None = None) -> Iterator[None]:
        """A transaction of the jobs' database: the work of a step, and its checkpoint.

        If another worker took the job meanwhile, nothing of the step is stored. Work
        in another database or in Redis is stored at least once: it must be such that
        it can be repeated. Raises as ``check``.
        """
        self.check()
        using = router.db_for_write(Job)
        before = self.job.checkpoint, self.job.done
        try:
            with transaction.atomic(using=using):
                yield
                self.job.checkpoint = checkpoint
                if done is not None:
                    self.job.done = done
                self._save()
        except BaseException:
            self.job.checkpoint, self.job.done = before
            raise

    def _save(self) -> None:
        """Raises JobLost."""
        job = self.job
        held = Job.objects.held_by(job.holder).filter(pk=job.pk)
        if not held.update(checkpoint=job.checkpoint, done=job.done):
            self.signals.lost.set()
            raise JobLost
