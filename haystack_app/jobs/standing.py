"""Jobs that run all the time while there is work for them, one for all processes.

A storage in the memory of a process has a job of its own there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db import router, transaction
from django.utils import timezone

from ..models import Job, Task
from ..storage.handler import storages
from ..storage.orm import tasks as leases
from . import local
from .backend import enqueue_bound
from .looking_thread import LookingThread
from .tasks import JobTask

__all__ = ["StandingJob", "StandingStarter"]

_LEASE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StandingJob:
    """``task`` takes the argument ``shared``: for the storages that processes share.

    ``is_wanted`` says whether there is work, by the same argument.
    """

    name: str
    task: JobTask[..., Any]
    is_wanted: Callable[[bool], bool]

    def ensure(self, *, shared: bool) -> bool:
        """Enqueue the job if it is wanted and does not run. Whether it was."""
        process = "" if shared else local.name_of_process()
        jobs = Job.objects.unfinished().filter(task=self.task.module_path)
        if not self.is_wanted(shared) or jobs.filter(process=process).exists():
            return False
        if not shared:
            enqueue_bound(self.task, shared=False)
            return True
        using, now = router.db_for_write(Task), timezone.now()
        until = now + dt.timedelta(seconds=_LEASE_SECONDS)
        with transaction.atomic(using=using):  # one of several processes
            if not leases.take(using, self.name, str(uuid4()), now, until):
                return False
        self.task.enqueue()
        return True

    def go_on(self, *, shared: bool) -> None:
        """Enqueue the next job, after one that has run for its time."""
        if shared:
            self.task.enqueue()
        else:
            enqueue_bound(self.task, shared=False)


class StandingStarter(LookingThread):
    """Looks after one of them."""

    def __init__(self, job: StandingJob) -> None:
        super().__init__(job.name, job.name)
        self.job = job

    def look(self) -> None:
        self.job.ensure(shared=True)
        if any(not storages[alias].shared for alias in storages):
            self.job.ensure(shared=False)
