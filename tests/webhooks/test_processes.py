"""Workers that are killed while they deliver: nothing is lost, and order is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.models import WebhookDelivery
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from tests.jobs.conftest import database  # noqa: F401  a fixture
from tests.jobs.workers import Workers, workers
from tests.patience import eventually
from tests.storage.building import entity
from tests.webhooks import receiver as servers
from tests.webhooks.receiver import Receiver

COUNT = 24


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Workers]:  # noqa: F811
    with workers(
        database,
        tmp_path,
        HAYSTACK_JOB_LEASE_SECONDS="1",
        HAYSTACK_WEBHOOKS_ALLOW_PRIVATE="127.0.0.0/8",
    ) as found:
        yield found


def test_kill_9_loses_nothing(
    database: str,  # noqa: F811
    start: Workers,
    receiver: Receiver,
    hook: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = OrmAdapter(using=database)
    monkeypatch.setitem(storages._adapters, "default", store)
    answered = servers.answer(200)

    def slowly(handler: Any) -> None:
        time.sleep(0.1)  # in which a worker can be killed
        answered(handler)

    receiver.behaviours = [slowly]
    hook(on_created=True)
    start()
    for number in range(COUNT):
        store.load_entities([entity(f"e{number:02}")])
        if number in (8, 16):
            before = len(receiver.received)
            eventually(lambda: len(receiver.received) > before)  # noqa: B023
            start.end()
            start()
    wanted = [f"e{number:02}" for number in range(COUNT)]
    eventually(lambda: _arrived(receiver)[-1:] == wanted[-1:])
    assert _arrived(receiver) == wanted
    eventually(lambda: not WebhookDelivery.objects.waiting().exists())
    bodies: dict[str, bytes] = {}
    for one in receiver.received:  # one that comes again is the same
        id = one.headers["X-Haystack-Delivery"]
        assert bodies.setdefault(id, one.body) == one.body


def _arrived(receiver: Receiver) -> list[str]:
    """Entities in the order of their first arrival."""
    events = [event for one in list(receiver.received) for event in one.json["events"]]
    return list(dict.fromkeys(event["entityId"] for event in events))
