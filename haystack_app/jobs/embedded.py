"""Runs jobs beside a server that has no worker of its own.

The server looks for work once a second. A process of its own runs it, for a thread
would share the interpreter with requests, and ends after the last of it. Only jobs
that need this process, since a store is in its memory, run in threads here.
"""

from __future__ import annotations

import atexit
import datetime as dt
import os
import subprocess
import sys
from threading import Event, Lock
from uuid import uuid4

from django.conf import settings
from django.db import router, transaction
from django.utils import timezone

from ..conf import app_settings
from ..models import Task
from ..storage.handler import storages
from ..storage.orm import tasks as leases
from . import claims, local, schedules, services
from .looking_thread import LookingThread
from .tasks import QUEUES
from .worker import Worker

__all__ = ["WorkerStarter", "start"]

IDLE_SECONDS = 10
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 15.0
"""Between starts, so that several server processes do not start a worker each."""
_LEASE = "worker"


class WorkerStarter(LookingThread):
    """Starts a worker process whenever jobs are due and none is running."""

    def __init__(self) -> None:
        super().__init__("jobs", "jobs")
        self.work = Event()
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        local.wakers.append(self.work.set)
        super().run()

    def wait(self) -> bool:
        self.work.wait(_LOOK_SECONDS)
        self.work.clear()
        return False

    def look(self) -> None:
        if self.child is not None and self.child.poll() is not None:
            self.child = None
        if self.child is None and _is_due() and _may_start():
            self.child = _started()


class BoundWorker:
    """The threads for jobs that need this process, from the first of them on."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.worker: Worker | None = None

    def wake(self) -> None:
        process = local.name_of_process()
        with self.lock:
            if self.worker is None and claims.has_due(QUEUES, process):
                self.worker = Worker(dict.fromkeys(QUEUES, 1), process)
                self.worker.start()
                atexit.register(self.worker.stop)


def _is_due() -> bool:
    return claims.has_due(QUEUES) or schedules.has_due() or services.has_due()


def _may_start() -> bool:
    """Whether no server process has just started a worker."""
    using, now = router.db_for_write(Task), timezone.now()
    until = now + dt.timedelta(seconds=_PAUSE_SECONDS)
    with transaction.atomic(using=using):
        return leases.take(using, _LEASE, str(uuid4()), now, until)


def _started() -> subprocess.Popen[bytes]:
    """``haystack_worker``, with this process's settings and path."""
    path = os.pathsep.join(filter(None, sys.path))
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": path,
    }
    command = [sys.executable, "-m", "django", "haystack_worker"]
    command += ["--until-idle", str(IDLE_SECONDS), "--parent", str(os.getpid())]
    # its own session: Ctrl-C ends the server, and that ends it
    return subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, start_new_session=True
    )


def start() -> None:
    """Start what runs jobs in this server process, by the settings."""
    if any(not storages[alias].shared for alias in storages):
        local.wakers.append(BoundWorker().wake)
    if app_settings.WORKER == "embedded":
        WorkerStarter().start()
