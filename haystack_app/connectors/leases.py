"""One process at a time does an action of a connector."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import router, transaction
from django.utils import timezone

from ..jobs import local
from ..jobs.context import JobFailed, JobLost
from ..models import Connector, Task
from ..storage.orm import tasks
from .context import ConnectorContext

__all__ = ["Busy", "turn"]

_LONGEST_WAIT = 600.0
_LOOK_SECONDS = 1.0


class Busy(Exception):
    """Another process does the same now."""


@contextmanager
def turn(
    connector: Connector, action: str, context: ConnectorContext, *, is_waiting: bool
) -> Iterator[None]:
    """Hold an action of a connector while the block runs.

    ``context`` keeps it. Raises Busy, or JobFailed after a long wait; JobLost in the
    block if the process stood still and another one has it now.
    """
    lease = _Lease(f"connector {connector.pk} {action}")
    until = time.monotonic() + _LONGEST_WAIT
    while not lease.take():
        if not is_waiting:
            raise Busy
        if time.monotonic() > until:
            raise JobFailed(f"another process does not end its {action}")
        context.progress(0, None, "waiting for another process that does the same")
        context.wait(_LOOK_SECONDS)
    context.keepers.append(lease.keep)
    try:
        yield
    finally:
        context.keepers.remove(lease.keep)
        lease.release()


class _Lease:
    def __init__(self, name: str) -> None:
        self.name = name
        self.holder = f"{local.name_of_process()}:{secrets.token_hex(4)}"
        self.using = router.db_for_write(Task)
        self.seconds = local.lease().total_seconds()
        self.keep_at = 0.0

    def take(self) -> bool:
        now = timezone.now()
        until = now + dt.timedelta(seconds=self.seconds)
        self.keep_at = time.monotonic() + self.seconds / 3
        with transaction.atomic(using=self.using):
            return tasks.take(self.using, self.name, self.holder, now, until)

    def keep(self) -> None:
        """Raises JobLost."""
        if time.monotonic() >= self.keep_at and not self.take():
            raise JobLost

    def release(self) -> None:
        held = Task.objects.using(self.using).filter(name=self.name, holder=self.holder)
        held.delete()
