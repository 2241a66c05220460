"""Connectors in workers: one holder, restarts, what kills them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections

from haystack_app.connectors.supervisor import ConnectorService
from haystack_app.models import AuditEntry, Connector
from tests.connectors import examples  # noqa: F401  registers kinds
from tests.jobs.workers import Workers, workers
from tests.patience import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Workers]:
    with workers(
        "default", tmp_path, HAYSTACK_ACTIONS="tests.connectors.examples"
    ) as found:
        yield found


def made(kind: str = "test-listener", **settings: Any) -> Connector:
    return Connector.objects.create(
        name="plant", kind=kind, settings=settings, enabled=True
    )


def holders() -> list[str]:
    rows = AuditEntry.objects.filter(event="test").order_by("id")
    return list(rows.values_list("detail", flat=True))


def test_one_worker_runs_it_and_kill_9_gives_it_to_another(start: Workers) -> None:
    row = made()
    first, second = start(), start()
    eventually(lambda: len(holders()) >= 10)
    assert len(set(holders())) == 1
    holder = first if holders()[0] == str(first.pid) else second
    other = second if holder is first else first
    holder.kill()
    holder.wait()
    eventually(lambda: str(other.pid) in holders())
    Connector.objects.filter(pk=row.pk).update(enabled=False)
    eventually(lambda: Connector.objects.get().lease_until is None)
    count = len(holders())
    assert holders()[-1] == str(other.pid)
    assert len(holders()) == count
    row.refresh_from_db()
    assert (row.status, row.lag) == ("ok", 0.5)


@pytest.fixture
def service() -> Iterator[ConnectorService]:
    """One that runs in a thread of the test."""
    made_one, stopping = ConnectorService(), Event()

    def serve() -> None:
        made_one.run(stopping)
        made_one.stop()
        connections.close_all()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield made_one
    stopping.set()
    thread.join()


def test_what_fails_is_tried_again_and_follows_its_settings(
    service: ConnectorService,
) -> None:
    row = made(topic="fails")
    eventually(lambda: Connector.objects.get().status == "unreachable")
    assert Connector.objects.get().last_error == "nothing there"
    row.settings = {"topic": "other"}
    row.save()
    eventually(lambda: Connector.objects.get().status == "ok")
    row.delete()
    eventually(lambda: not service.is_busy())


def test_intervals_repeat_actions(service: ConnectorService) -> None:
    made("test-meter")
    eventually(lambda: holders().count("learned") >= 3)


def test_a_worker_is_due_for_what_none_runs(service: ConnectorService) -> None:
    assert not ConnectorService.is_due()
    made()
    eventually(lambda: Connector.objects.get().lease_until is not None)
    assert not ConnectorService.is_due()
    assert service.is_busy()


def test_a_thread_that_hangs_is_given_up(
    service: ConnectorService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    eventually(service.is_busy)
    [run] = service.running.values()
    monkeypatch.setattr("haystack_app.connectors.supervisor._STALLED_SECONDS", -1)
    eventually(run.context.signals.lost.is_set)
