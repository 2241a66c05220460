"""``/healthz`` and ``/readyz``: access, throttling and content."""

from __future__ import annotations

import asyncio
import http.client
import threading
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from haystack_app.serving import get_asgi_application, health
from haystack_app.serving.health import Health, Probe
from tests.api.conftest import served
from tests.patience import PATIENCE

PATHS = ["/healthz", "/readyz"]


@pytest.fixture(autouse=True)
def _this_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of the tests are not migrated in every test."""
    monkeypatch.setattr(health, "connections", OnlyDefault())


class OnlyDefault:
    def __iter__(self) -> Any:
        return iter(["default"])

    def __getitem__(self, alias: str) -> Any:
        return connections[alias]

    def close_all(self) -> None:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_every_client_gets_an_answer(settings: Any, path: str) -> None:
    """No log-in, no HTTPS, any host, no limit."""
    settings.ALLOWED_HOSTS = ["haystack.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": {"ADDRESS": 1}}
    client = Client(SERVER_NAME="10.0.0.7")
    assert client.get("/api/about").status_code in (301, 400)
    for _ in range(3):
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        assert answer.json()["status"] == "ok"
        assert answer["Cache-Control"] == "no-cache, no-store"


@pytest.mark.django_db(transaction=True)
def test_what_is_asked() -> None:
    answer = Client().get("/readyz").json()
    assert answer["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "channelLayer": "ok",
    }
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_in_front_of_the_threads(path: str, method: str) -> None:
    with served(application=get_asgi_application()) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request(method, path, headers={"Host": "anything.example"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-cache, no-store"
        assert body.startswith(b'{"status": "ok"' if method == "GET" else b"")
        connection.close()


def with_probes(write: Any = lambda: "ok", **asks: Any) -> Health:
    made = Health()
    made.probes = {name: Probe(ask) for name, ask in asks.items()}
    made.writes = {"default": Probe(write)}
    return made


def failing(error: Exception) -> Any:
    def ask() -> str:
        raise error

    return ask


@pytest.mark.parametrize(
    ("write", "text", "status"),
    [
        (failing(psycopg.errors.DiskFull()), "the storage is full", 503),
        (failing(psycopg.errors.ReadOnlySqlTransaction()), "read-only", 503),
        (failing(psycopg.errors.LockNotAvailable()), "busy with another change", 200),
        (failing(OSError("secret")), "no answer (OSError)", 503),
        (lambda: "ok", "ok", 200),
    ],
)
def test_writes_count_where_they_are_needed(
    settings: Any, write: Any, text: str, status: int
) -> None:
    asked = with_probes(write, database=lambda: "ok")
    for needed, expected in ((False, 200), (True, status)):
        settings.HAYSTACK = {**settings.HAYSTACK, "READY_NEEDS_WRITES": needed}
        found, report = asked.answer("/readyz")
        assert found == expected
        assert report["writes"] == {"default": text}


def test_a_write_that_waits_is_not_a_failure(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.05)
    settings.HAYSTACK = {**settings.HAYSTACK, "READY_NEEDS_WRITES": True}
    go_on = threading.Event()

    def wait() -> str:
        go_on.wait(60)
        return "ok"

    status, report = with_probes(wait).answer("/readyz")
    assert status == 200
    assert report["writes"]["default"].startswith("no answer within")
    go_on.set()


@pytest.mark.django_db(transaction=True)
def test_a_write_to_the_store() -> None:
    assert Client().get("/readyz").json()["writes"]["default"] == "ok"


def test_each_item_says_what_is_wrong_without_secrets() -> None:
    def broken() -> str:
        raise OSError("no route to postgres://u:secret@db")

    asked = with_probes(good=lambda: "ok", poor=lambda: "3 not applied", gone=broken)
    expected = {"good": "ok", "poor": "3 not applied", "gone": "no answer (OSError)"}
    for status, report in (
        asked.answer("/readyz"),
        asyncio.run(asked.aanswer("/readyz")),
    ):
        assert status == 503
        assert report["status"] == "unavailable"
        assert report["checks"] == expected


def test_one_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.05)
    monkeypatch.setattr(health, "_FRESH_SECONDS", 0.0)
    go_on, begun = threading.Event(), []

    def hang() -> str:
        begun.append(1)
        go_on.wait(60)
        return "ok"

    asked = with_probes(slow=hang, good=lambda: "ok")
    for _ in range(3):
        status, report = asked.answer("/readyz")
        assert (status, report["checks"]["good"]) == (503, "ok")
        assert report["checks"]["slow"].startswith("no answer within")
        assert asyncio.run(asked.aanswer("/readyz"))[0] == 503
    assert len(begun) == 1
    go_on.set()
    asked.probes["slow"].answer().result(60)
    assert asked.answer("/readyz")[0] == 200


def test_many_probes_cost_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def count() -> str:
        begun.append(1)
        return "ok"

    monkeypatch.setattr(health, "_FRESH_SECONDS", 60.0)
    asked = with_probes(it=count)
    assert {asked.answer("/readyz")[0] for _ in range(50)} == {200}
    assert len(begun) == 1
    monkeypatch.setattr(health, "_FRESH_SECONDS", 0.0)
    asked.probes["it"]._stale = 0.0
    asked.answer("/readyz")
    assert len(begun) == 2
