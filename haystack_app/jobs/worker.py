"""The worker: threads that run jobs, and one that keeps what they run.

A worker survives every error of the database. What it runs when it is killed is taken
by another worker after the lease has ended.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from threading import Event, Lock, Thread

from django.db import close_old_connections, connections
from django.utils import timezone

from ..conf import app_settings
from ..models import Job
from . import claims, local, schedules, services
from .context import JobSignals
from .running import run

__all__ = ["POLL_SECONDS", "Worker", "prune"]

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_KEEP_SECONDS = 1.0
_LONGEST_PAUSE = 5.0
_PRUNE_SECONDS = 600.0
_BATCH = 1_000


class Worker:
    """Runs the jobs of each queue in as many threads as ``threads`` says.

    With ``process`` it runs the jobs that are bound to this process, and nothing else.
    """

    def __init__(self, threads: Mapping[str, int], process: str = "") -> None:
        self.threads = threads
        self.process = process
        self.holder = f"{local.name_of_process()}:{secrets.token_hex(2)}"
        self.stopping = Event()
        self.work = Event()
        self.running: dict[int, tuple[Job, JobSignals]] = {}
        self.lock = Lock()
        self.busy_at = time.monotonic()
        self.prune_at = self.busy_at
        made = [] if process else services.services
        self.services = [service() for service in made]

    def start(self) -> list[Thread]:
        """Start the threads; they end after ``stop``."""
        loops: list[Callable[[], None]] = [self._keep_running, self._schedule]
        for queue, count in self.threads.items():
            loops += [_runs(self, [queue])] * count
        loops += [_serves(self, service) for service in self.services]
        started = [Thread(target=loop, daemon=True) for loop in loops]
        local.wakers.append(self.work.set)
        for thread in started:
            thread.start()
        return started

    def run(self, until_idle: float | None = None, parent: int | None = None) -> None:
        """Work until ``stop``.

        Or until there was nothing to do for ``until_idle`` seconds, or until the
        process ``parent``, which started this one, has ended.
        """
        started = self.start()
        while not self.stopping.wait(POLL_SECONDS / 2):
            idle = time.monotonic() - self.busy_at
            if until_idle is not None and not self.is_busy and idle > until_idle:
                self.stop()
            if parent is not None and os.getppid() != parent:
                self.stop()
        for thread in started:
            thread.join()

    def stop(self) -> None:
        """Begin no more jobs; those that run end at their next step."""
        self.stopping.set()
        self.work.set()
        with self.lock:
            for _, signals in self.running.values():
                signals.stopping.set()
        if self.work.set in local.wakers:
            local.wakers.remove(self.work.set)

    @property
    def is_busy(self) -> bool:
        serving = any(service.is_busy() for service in self.services)
        return serving or bool(self.running)

    # -- threads --------------------------------------------------------------

    def run_one(self, queues: Collection[str]) -> bool:
        """Run the first due job. Whether there was one."""
        job = claims.claim(queues, self.holder, self.process)
        if job is None:
            return False
        signals = JobSignals()
        with self.lock:
            self.running[job.pk] = job, signals
            if self.stopping.is_set():
                signals.stopping.set()
        try:
            run(job, signals)
        finally:
            with self.lock:
                del self.running[job.pk]
            self.busy_at = time.monotonic()
        return True

    def _keep_running(self) -> None:
        """Keep the leases while threads run jobs, also after ``stop``."""

        def keep() -> bool:
            self.keep()
            return False

        while not (self.stopping.is_set() and not self.running):
            _surviving(keep, "keeping jobs")
            time.sleep(_KEEP_SECONDS)

    def keep(self) -> None:
        with self.lock:
            running = dict(self.running)
        if self.process:
            claims.keep_bound(self.process)
        if not running:
            return
        jobs = {pk: job for pk, (job, _) in running.items()}
        cancelled = claims.keep(jobs, self.holder)
        for pk, (_, signals) in running.items():
            if pk not in cancelled:
                signals.lost.set()
            elif cancelled[pk]:
                signals.cancelled.set()

    def _schedule(self) -> None:
        pauses = _Pauses()
        while not self.stopping.wait(pauses.seconds):
            pauses.after(_surviving(self.maintain, "schedules of jobs"))

    def maintain(self) -> bool:
        """Make jobs of schedules that are due, and delete old jobs."""
        if self.process:
            return True
        if schedules.enqueue_due():
            self.busy_at = time.monotonic()
            self.work.set()
        claims.end_orphans()
        if time.monotonic() >= self.prune_at and prune() < _BATCH:
            self.prune_at = time.monotonic() + _PRUNE_SECONDS
        return True


def _runs(worker: Worker, queues: Collection[str]) -> Callable[[], None]:
    """The loop of a thread that runs jobs of these queues."""

    def loop() -> None:
        pauses = _Pauses()
        while not worker.stopping.is_set():
            found = _surviving(lambda: worker.run_one(queues), "running jobs")
            pauses.after(found is not None)
            if not found:
                worker.work.wait(pauses.seconds)
                worker.work.clear()

    return loop


def _serves(worker: Worker, service: services.Service) -> Callable[[], None]:
    """The loop of a thread that runs a service."""

    def serve() -> bool:
        service.run(worker.stopping)
        return True

    def loop() -> None:
        while not worker.stopping.is_set():
            _surviving(serve, type(service).__name__)
            worker.stopping.wait(POLL_SECONDS)
        _surviving(end, type(service).__name__)
        connections.close_all()

    def end() -> bool:
        service.stop()
        return True

    return loop


class _Pauses:
    """Seconds between attempts, which grow while a database is down."""

    def __init__(self) -> None:
        self.seconds = POLL_SECONDS

    def after(self, is_well: object) -> None:
        longer = min(self.seconds * 2, _LONGEST_PAUSE)
        self.seconds = POLL_SECONDS if is_well else longer


_logged: set[str] = set()


def _surviving(call: Callable[[], bool], what: str) -> bool | None:
    """The result, or None after an error, which is logged once while it lasts.

    No connection is kept after an error, for the next attempt needs a new one.
    """
    try:
        result = call()
    except Exception:
        if what not in _logged:
            _logged.add(what)
            logger.exception("%s failed; trying again", what)
        connections.close_all()
        return None
    _logged.discard(what)
    close_old_connections()
    return result


def prune() -> int:
    """Delete a batch of jobs that ended ``JOBS_DAYS`` ago. Returns their number."""
    days = app_settings.JOBS_DAYS
    if not days:
        return 0
    before = timezone.now() - dt.timedelta(days=days)
    old = Job.objects.filter(finished_at__lt=before).order_by("finished_at")
    keys = list(old.values_list("pk", flat=True)[:_BATCH])
    Job.objects.filter(pk__in=keys).delete()
    return len(keys)
