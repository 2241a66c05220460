"""Tasks: functions that jobs call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.utils.module_loading import import_string
from django_tasks import task_backends
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task
from django_tasks.exceptions import InvalidTaskBackendError

__all__ = [
    "ALARMS",
    "ALIAS",
    "DELIVERY",
    "LONG",
    "QUEUES",
    "SHORT",
    "JobTask",
    "find_task",
    "task",
]

ALIAS = "haystack"
"""The alias in ``TASKS``; a project that does not configure it gets the default."""
SHORT, LONG, DELIVERY, ALARMS = QUEUES = ("short", "long", "delivery", "alarms")
"""Each has threads of its own, so that hours of work do not delay seconds of it, and
neither delays the delivery of webhooks and the evaluation of alarms, which run all the
time."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTask(Task[_P, _T]):
    """A task of this app.

    - ``title``: what people read
    - ``max_attempts``: how often it is tried if it fails by an outage or a bug, or if
      its worker dies
    - ``schedule``: the cron expression of a schedule that new databases get, switched
      on or not by ``is_scheduled``
    """

    title: str = ""
    max_attempts: int = 5
    schedule: str = ""
    is_scheduled: bool = True

    def get_backend(self) -> BaseTaskBackend:
        from .backend import JobBackend

        if self.backend != ALIAS:
            return task_backends[self.backend]
        try:
            return task_backends[ALIAS]
        except InvalidTaskBackendError:
            return JobBackend(ALIAS, {"QUEUES": list(QUEUES)})


_tasks: dict[str, JobTask[..., Any]] = {}


def task(
    *,
    title: str,
    queue_name: str = LONG,
    priority: int = 0,
    max_attempts: int = 5,
    schedule: str = "",
    is_scheduled: bool = True,
) -> Callable[[Callable[..., Any]], JobTask[..., Any]]:
    """Make a task of a function whose first argument is ``context``, a JobContext."""

    def register(function: Callable[..., Any]) -> JobTask[..., Any]:
        made: JobTask[..., Any] = JobTask(
            func=function,
            backend=ALIAS,
            queue_name=queue_name,
            priority=priority,
            takes_context=True,
            title=title,
            max_attempts=max_attempts,
            schedule=schedule,
            is_scheduled=is_scheduled,
        )
        _tasks[made.module_path] = made
        return made

    return register


def registered() -> dict[str, JobTask[..., Any]]:
    """The tasks of imported modules, by their paths."""
    return dict(_tasks)


def find_task(path: str) -> Task[..., Any]:
    """The task at a dotted path. Raises ImportError, also for what is not a task."""
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImportError(f"{path} is not a task: {error}") from None
    if not isinstance(found, Task):
        raise ImportError(f"{path} is not a task")
    return found
