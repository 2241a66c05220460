"""Statements of clients that have left are cancelled on the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from haystack_app.serving.departures import (
    ClientLeft,
    Departure,
    current_departure,
)
from tests.patience import PATIENCE, eventually
from tests.serving.test_slow_clients import Server

ALIASES = [
    one for one in ("default", "postgres", "timescale") if one in settings.DATABASES
]
LONG = {
    "postgresql": "SELECT pg_sleep(600)",
    "sqlite": (
        "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)"
        " SELECT count(*) FROM c"
    ),
}

pytestmark = pytest.mark.django_db(transaction=True, databases=ALIASES)


class Asking:
    """A WSGI application that runs a statement that does not end."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.begun = threading.Event()
        self.errors: list[DatabaseError] = []
        self.requests = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.requests += 1
        if environ["PATH_INFO"] == "/short":
            self.ask("SELECT 1")
        else:
            self.begun.set()
            try:
                self.ask(LONG[connections[self.alias].vendor])
            except DatabaseError as error:
                self.errors.append(error)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    def ask(self, sql: str) -> None:
        connection = connections[self.alias]
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()


@pytest.fixture(params=ALIASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server("httptools", Asking(request.param))
    server.thread.start()
    eventually(lambda: server.uvicorn.started)
    yield server
    server.uvicorn.should_exit = True
    server.thread.join(PATIENCE)


def test_a_statement_ends_with_its_client(server: Server) -> None:
    application: Any = server.application
    peer = server.ask("/long")
    assert application.begun.wait(PATIENCE)
    assert not application.errors
    peer.close()
    eventually(lambda: len(application.errors) == 1)
    peer = server.ask("/short")
    assert peer.recv(1_000).startswith(b"HTTP/1.1 200")
    assert len(application.errors) == 1


def test_a_request_that_waits_for_a_thread_does_not_begin(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Departure] = []
    cancel = Departure.cancel

    def counted(departure: Departure) -> None:
        left.append(departure)
        cancel(departure)

    monkeypatch.setattr(Departure, "cancel", counted)
    application: Any = server.application
    busy = [server.ask("/long") for _ in range(2)]
    eventually(lambda: application.requests == 2)
    waiting = [server.ask("/long") for _ in range(3)]
    for peer in waiting:
        peer.close()
    eventually(lambda: len(left) == 3)
    for peer in busy:
        peer.close()
    eventually(lambda: len(application.errors) == 2)
    assert server.ask("/short").recv(1_000).startswith(b"HTTP/1.1 200")
    assert application.requests == 3


@pytest.mark.parametrize("alias", ALIASES)
def test_no_statement_begins_after_the_client_left(alias: str) -> None:
    departure = Departure()
    token = current_departure.set(departure)
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            departure.is_set = True
            with pytest.raises(ClientLeft), transaction.atomic(using=alias):
                cursor.execute("SELECT 2")
    finally:
        current_departure.reset(token)
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 3")
        assert cursor.fetchone() == (3,)
