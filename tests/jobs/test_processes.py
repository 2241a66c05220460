"""Workers in processes of their own: killed, stalled, stopped, started by the server."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, transaction

from haystack_app.jobs import enqueue_for
from haystack_app.models import AuditEntry, Job
from tests.api.servers import Servers, url_of
from tests.forks import Forked
from tests.jobs import examples
from tests.jobs.workers import Workers, workers
from tests.patience import eventually


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Workers]:
    with workers(database, tmp_path) as found:
        yield found


def counted() -> list[str]:
    rows = AuditEntry.objects.filter(event="test").order_by("id")
    return [entry.who for entry in rows]


def test_kill_9_loses_and_doubles_nothing(database: str, start: Workers) -> None:
    examples.count.enqueue(30, seconds=0.1)
    first = start()
    eventually(lambda: len(counted()) >= 5)
    first.kill()
    first.wait()
    start()
    eventually(lambda: Job.objects.get().is_finished)
    job = Job.objects.get()
    assert (job.status, job.attempts) == (Job.Status.SUCCESSFUL, 2)
    assert counted() == [str(number) for number in range(30)]


def test_a_worker_that_stands_still_is_replaced(database: str, start: Workers) -> None:
    """And does nothing more with the job when it goes on."""
    examples.count.enqueue(30, seconds=0.1)
    first = start()
    eventually(lambda: len(counted()) >= 3)
    _stop_between_steps(first, database)
    second = start()
    eventually(lambda: Job.objects.get().attempts == 2, "taken by the second")
    first.send_signal(signal.SIGCONT)
    eventually(lambda: Job.objects.get().is_finished)
    assert counted() == [str(number) for number in range(30)]
    assert second.poll() is None


def _stop_between_steps(process: Forked, alias: str) -> None:
    """One that stops inside a transaction of SQLite stops every writer."""
    while True:
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        try:
            if connections[alias].vendor == "sqlite":
                with connections[alias].cursor() as cursor:
                    cursor.execute("PRAGMA busy_timeout = 100")
            with transaction.atomic(using=alias):
                assert list(Job.objects.select_for_update(nowait=True))
        except OperationalError:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        else:
            return
        finally:
            connections[alias].close()


def test_sigterm_ends_after_the_step(database: str, start: Workers) -> None:
    examples.count.enqueue(50, seconds=0.1)
    first = start()
    eventually(lambda: len(counted()) >= 3)
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 0
    job = Job.objects.get()
    assert (job.status, job.attempts) == (Job.Status.READY, 0)
    assert job.checkpoint == len(counted())
    start("--until-idle", "1")
    eventually(lambda: Job.objects.get().is_finished)
    assert counted() == [str(number) for number in range(50)]


def test_an_idle_worker_ends(database: str, start: Workers) -> None:
    examples.short_note.enqueue()
    assert start("--until-idle", "0.5").wait() == 0
    assert Job.objects.get().status == Job.Status.SUCCESSFUL


def test_a_long_job_does_not_delay_a_short_one(database: str, start: Workers) -> None:
    examples.count.enqueue(10_000, seconds=0.1)
    start()
    eventually(lambda: len(counted()) >= 1)
    short = examples.short_note.enqueue()
    eventually(lambda: Job.objects.get(pk=short.id).is_finished)
    long = Job.objects.exclude(pk=short.id).get()
    assert long.status == Job.Status.RUNNING


def test_two_workers_share_the_work(database: str, start: Workers) -> None:
    for _ in range(6):
        examples.count.enqueue(3, seconds=0.05)
    for _ in range(2):
        start()
    eventually(lambda: not Job.objects.unfinished().exists())
    assert sorted(counted()) == sorted([str(number) for number in range(3)] * 6)
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}


def test_the_server_starts_a_worker(
    database: str, servers: Servers, settings: Any
) -> None:
    """A process of its own, which ends when there is nothing to do."""
    server = servers.running(url_of(database), HAYSTACK_WORKER="embedded")
    result = examples.count.enqueue(3)
    eventually(lambda: Job.objects.get(pk=result.id).is_finished)
    pids = set(AuditEntry.objects.filter(event="test").values_list("detail", flat=True))
    assert len(pids) == 1
    [pid] = map(int, pids)
    assert pid != server.process.pid
    assert _parent(pid) == server.process.pid
    server.__exit__()
    eventually(lambda: not Path(f"/proc/{pid}").exists() or _parent(pid) is None)


def _parent(pid: int) -> int | None:
    """None for a process that has ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[1])


def test_a_worker_survives_a_locked_database(
    database: str, start: Workers, settings: Any
) -> None:
    """SQLite: a lock of another process; PostgreSQL: connections that are ended."""
    start()
    examples.note.enqueue(text="first")
    eventually(lambda: not Job.objects.unfinished().exists())
    connection = connections[database]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
            time.sleep(3)
            cursor.execute("ROLLBACK")
        else:
            for _ in range(3):
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                    " datname = current_database() AND pid <> pg_backend_pid()"
                )
                time.sleep(1)
    examples.note.enqueue(text="second")
    eventually(lambda: not Job.objects.unfinished().exists())
    assert set(Job.objects.values_list("status", flat=True)) == {"successful"}


def test_a_disabled_owner_stops_a_job(database: str, start: Workers) -> None:
    user = get_user_model().objects.create_user("alice")
    enqueue_for(user, examples.owned_count, 10_000)
    start()
    eventually(lambda: Job.objects.get().done >= 3)
    get_user_model().objects.update(is_active=False)
    eventually(lambda: Job.objects.get().is_finished)
    [error] = Job.objects.get().errors
    assert error["message"] == "user 'alice' is disabled or deleted"
