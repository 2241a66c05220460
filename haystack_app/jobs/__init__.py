"""Long work: tasks that a worker process runs, as jobs that a table keeps.

A module-level function becomes a task by the decorator ``task``. ``enqueue()`` of a
task makes a job of the server itself, ``enqueue_for()`` one of a user. Source of the
interface: Django's ``django.tasks``, by its backport django-tasks.
"""

from .backend import JobBackend, enqueue_bound, enqueue_for
from .context import JobCancelled, JobContext, JobFailed
from .tasks import ALARMS, DELIVERY, LONG, SHORT, JobTask, task

__all__ = [
    "ALARMS",
    "DELIVERY",
    "LONG",
    "SHORT",
    "JobBackend",
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobTask",
    "enqueue_bound",
    "enqueue_for",
    "task",
]
