"""Tasks for the tests, which other processes import by their paths."""

from __future__ import annotations

import os
import time
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from psycopg import OperationalError

from haystack_app.jobs import JobContext, JobFailed, task
from haystack_app.models import AuditEntry

CALLS: list[Any] = []


@task(title="note")
def note(context: JobContext, text: str = "") -> Any:
    CALLS.append(text)
    return {"text": text, "attempt": context.job.attempts}


@task(title="short note", queue_name="short")
def short_note(context: JobContext) -> None:
    CALLS.append("short")


@task(title="count")
def count(context: JobContext, until: int, seconds: float = 0.0) -> int:
    """Write an audit entry for each number, one a step."""
    begun = context.checkpoint or 0
    for number in range(begun, until):
        context.progress(number, until, f"number {number}")
        time.sleep(seconds)
        with context.step(number + 1, done=number + 1):
            AuditEntry.objects.create(
                at=timezone.now(),
                event="test",
                who=str(number),
                detail=str(os.getpid()),
            )
    return until


@task(title="fail", max_attempts=3)
def fail(context: JobContext, kind: str) -> None:
    CALLS.append(kind)
    raise {
        "failed": JobFailed("the file has no columns"),
        "denied": PermissionDenied("permission 'add_entity' required"),
        "bug": ZeroDivisionError("secret host db.example.com"),
        "outage": OperationalError("server closed the connection"),
    }[kind]


@task(title="who")
def who(context: JobContext) -> list[str]:
    caller = context.caller()
    assert caller is not None
    return [caller.username, str(caller.has_permission("add_entity"))]


@task(title="owned count")
def owned_count(context: JobContext, until: int) -> None:
    """As a batch of work: rights are asked for at each step."""
    for number in range(until):
        context.caller()
        time.sleep(0.05)  # not in the step, which has the lock of SQLite
        with context.step(number, done=number):
            pass


not_a_task = note.func
