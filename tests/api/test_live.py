"""The whole server with real sockets: bodies, long and broken responses."""

from __future__ import annotations

import datetime as dt
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from haystack_app.conf import app_settings
from haystack_app.kinds import DateTime, Number
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import hayson_reader, zinc_reader
from tests.api.conftest import basic
from tests.defects.building import at
from tests.patience import PATIENCE, cpu_limit, eventually

Connect = Callable[[], http.client.HTTPConnection]
COUNT = 30_000
RANGE = "/api/hisRead?id=@n&range=2024-01-01,2024-12-31"


@pytest.fixture
def history(live: Connect) -> Connect:
    start = at("2024-01-01 00:00")
    storages["default"].his_write(
        "n",
        (
            (DateTime(start.utc + n * dt.timedelta(minutes=1), start.tz), Number(n))
            for n in range(COUNT)
        ),
    )
    connections.close_all()
    return live


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    **headers: str,
) -> http.client.HTTPResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    chunked = given.get("Transfer-Encoding") == "chunked"
    connection.request(
        method, path, body, {**basic("alice"), **given}, encode_chunked=chunked
    )
    return connection.getresponse()


def test_head_has_no_body_and_the_connection_lives(live: Connect) -> None:
    connection = live()
    response = ask(connection, "HEAD", "/api/about")
    assert (response.status, response.read()) == (200, b"")
    assert ask(connection, "GET", "/api/about").status == 200


def test_connection_close_is_echoed(live: Connect) -> None:
    response = ask(live(), "GET", "/api/about", Connection="close")
    assert response.status == 200
    assert (response.getheader("Connection") or "").lower() == "close"


def test_a_chunked_post(live: Connect) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'ver:"3.0"\nid,dis\n'
        for number in range(500):
            yield b'@c%d,"chunked"\n' % number

    connection = live()
    response = ask(
        connection,
        "POST",
        "/api/load",
        pieces(),
        Transfer_Encoding="chunked",
        Content_Type="text/zinc",
    )
    grid = zinc_reader.read_grid(response.read().decode())
    assert grid.first["created"] == Number(500)
    assert len(storages["default"].read('dis=="chunked"')) == 500


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_40_mb(live: Connect, chunked: bool) -> None:
    connection = live()
    body = b" " * 1_000_000
    kwargs = {"Transfer_Encoding": "chunked"} if chunked else {}
    if not chunked:
        kwargs["Content_Length"] = str(40_000_000)
    with cpu_limit(10):
        response = ask(
            connection,
            "POST",
            "/api/load",
            (body for _ in range(40)),
            Content_Type="text/zinc",
            **kwargs,
        )
        assert response.status == 413
        response.read()
    assert ask(live(), "GET", "/api/about").status == 200


def test_a_body_cut_short_stores_nothing(live: Connect) -> None:
    connection = live()
    connection.putrequest("POST", "/api/load")
    for name, value in basic("alice").items():
        connection.putheader(name, value)
    connection.putheader("Content-Type", "text/zinc")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'ver:"3.0"\nid\n@cut\n')
    assert connection.sock is not None
    connection.sock.close()
    time.sleep(0.3)
    assert storages["default"].read_by_ids(["cut"]) == [None]
    assert ask(live(), "GET", "/api/about").status == 200


@pytest.mark.parametrize("accept", ["text/zinc", "application/json"])
def test_a_long_answer_is_streamed(history: Connect, accept: str) -> None:
    response = ask(history(), "GET", RANGE, Accept=accept)
    assert response.getheader("Transfer-Encoding") == "chunked"
    body = response.read()
    read = zinc_reader.read_grid if accept == "text/zinc" else hayson_reader.read_grid
    rows = list(read(body.decode()))
    assert [row["val"].val for row in rows] == list(range(COUNT))


@pytest.mark.parametrize("accept", ["text/zinc", "application/json"])
def test_a_failure_in_the_middle_breaks_the_connection(
    history: Connect, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client must not mistake the first half for the whole."""
    original = OrmAdapter.his_chunks

    def failing(*args: Any) -> Iterator[Any]:
        chunks = original(*args)
        for _ in range(2):
            yield next(chunks)
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(OrmAdapter, "his_chunks", failing)
    response = ask(history(), "GET", RANGE, Accept=accept)
    assert response.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    monkeypatch.undo()
    assert ask(history(), "GET", "/api/about").status == 200


def test_a_failure_before_the_first_byte_is_an_error_grid(
    history: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any) -> Iterator[Any]:
        raise RuntimeError("secret: the disk is gone")
        yield

    monkeypatch.setattr(OrmAdapter, "his_chunks", failing)
    response = ask(history(), "GET", RANGE)
    grid = zinc_reader.read_grid(response.read().decode())
    assert response.status == 200
    assert grid.meta["dis"] == "hisRead: internal error"


def test_disconnected_client_holds_no_transaction(history: Connect) -> None:
    """Its transaction ends, and writers get their turn."""
    for _ in range(3):
        connection = history()
        response = ask(connection, "GET", RANGE)
        response.read(1_000)
        connection.close()
    # one that waits for a lock gives up: the database's timeout
    storages["default"].his_write("n", [(at("2024-01-01 00:00"), Number(-1))])
    assert ask(history(), "GET", "/api/about").status == 200


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    raw: Any = connection.connection
    return raw is not None and raw.in_transaction


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_downloads_end_when_their_clients_leave(
    history: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    coding: str,
) -> None:
    """More of them than there are threads, none of which would end by itself."""
    original = OrmAdapter.his_chunks
    begun: list[None] = []
    ended: list[BaseDatabaseWrapper] = []

    def endless(self: OrmAdapter, *args: Any) -> Iterator[Any]:
        begun.append(None)
        try:
            while True:
                yield from original(self, *args)
                time.sleep(0.05)
        except GeneratorExit:
            ended.append(connections[self.using])
            raise

    monkeypatch.setattr(OrmAdapter, "his_chunks", endless)
    for _ in range(app_settings.THREADS):
        connection = history()
        response = ask(connection, "GET", RANGE, Accept_Encoding=coding)
        response.read(1_000)
        response.close()
        connection.close()
    assert ask(history(), "GET", "/api/formats").status == 200
    eventually(lambda: len(ended) == len(begun))
    assert len(ended) == len(begun) == app_settings.THREADS
    # what closes the generator ends its snapshot after it
    eventually(lambda: not any(map(in_transaction, ended)))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_slow_reader_does_not_stop_writers(
    history: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two chunks that a client takes, others write."""
    original = OrmAdapter.his_chunks
    written = threading.Event()
    waited: list[bool] = []

    def slow(self: OrmAdapter, *args: Any) -> Iterator[Any]:
        for chunk in original(self, *args):
            yield chunk
            waited.append(written.wait(PATIENCE))

    monkeypatch.setattr(OrmAdapter, "his_chunks", slow)
    response = ask(history(), "GET", RANGE)
    response.read(1_000)
    for number in range(3):
        storages["default"].his_write(
            "d", [(at(f"2024-01-0{number + 1} 00:00", "Denver"), Number(1))]
        )
    written.set()
    response.read()
    assert len(waited) > 1 and all(waited)
