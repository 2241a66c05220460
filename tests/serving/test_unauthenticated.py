"""Requests without a login cost little: bodies, messages, and what stays of them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from haystack_app.serving import bodies
from haystack_app.serving.bodies import BodyLayer
from haystack_app.serving.spool import Budget
from tests.api.servers import Server
from tests.outages.site import prepare
from tests.patience import PATIENCE, eventually

MEGABYTE = 1024 * 1024
CLOSED = [
    "/api/hisWrite",
    "/api/read",
    "/api/nonsense",
    "/api/default/load",
    "/api/entities/",
    "/api/entities/x/",
    "/api/users/",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("unauthenticated")
    server = Server(f"sqlite:///{folder}/site.sqlite3", folder)
    prepare(server)
    with server:
        yield server


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


def status(to: socket.socket) -> int:
    """Of one answer, which is read to its end."""
    file = to.makefile("rb")
    line = file.readline()
    length = 0
    while (header := file.readline().strip()) != b"":
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    file.read(length)
    return int(line.split()[1])


# -- bodies ------------------------------------------------------------------------


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 1000000", "Content-Type: text/zinc"],
        ["Transfer-Encoding: chunked", "Content-Type: application/json"],
        ["Content-Length: 5", "Expect: 100-continue", "Cookie: other=1"],
        ["Content-Length: 30000000", "Authorization: HELLO username=YWxpY2U"],
    ],
)
def test_the_answer_comes_before_the_body(
    server: Server, path: str, headers: list[str]
) -> None:
    with connected(server) as to:
        to.sendall(head(path, *headers))
        assert status(to) == 401


def test_the_connection_stays(server: Server) -> None:
    with connected(server) as to:
        for size in (10, MEGABYTE, 0):
            to.sendall(head("/api/hisWrite", f"Content-Length: {size}"))
            assert status(to) == 401
            to.sendall(b"x" * size)
        to.sendall(head("/api/about", method="GET"))
        assert status(to) == 401


def test_forms_are_read(server: Server) -> None:
    form = b"username=alice&password=wrong"
    words = (
        f"Content-Length: {len(form)}",
        "Content-Type: application/x-www-form-urlencoded",
        "Cookie: csrftoken=" + "a" * 32,
        "X-CSRFToken: " + "a" * 32,
    )
    with connected(server) as to:
        to.sendall(head("/log-in/", *words))
        to.sendall(form)
        assert status(to) == 200


@pytest.mark.parametrize("path", ["/log-in/", "/admin/login/", "/"])
def test_forms_are_short(server: Server, path: str) -> None:
    with connected(server) as to:
        to.sendall(head(path, f"Content-Length: {MEGABYTE}"))
        to.sendall(b"x" * 1_000)
        assert status(to) == 413


def test_unknown_paths(server: Server) -> None:
    with connected(server) as to:
        to.sendall(head("/nonsense", f"Content-Length: {MEGABYTE}"))
        assert status(to) == 404


async def answered(layer: BodyLayer, *parts: bytes, seconds: float = 0) -> Any:
    """The status, None if the application was called."""
    pending = list(parts)
    sent: list[Any] = []

    async def receive() -> Any:
        if not pending:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": pending.pop(0), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await layer(scope, receive, send)
    return sent[0]["status"] if sent else None


async def test_all_bodies_together_have_a_limit() -> None:
    budget = Budget(300_000)
    inside: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if len(inside) < 2:
            inside.append(budget.held)
            body = b"x" * 100_000
            inside.append(await answered(layer, body, body, body))
            inside.append(await answered(layer, b"x" * 1_000))

    layer = BodyLayer(app, max_body=10 * MEGABYTE, budget=budget)
    assert await answered(layer, *[b"x" * 100_000] * 3) is None
    assert inside == [300_000, 503, None]
    assert budget.held == 0
    assert await answered(layer, b"x" * 200_000) is None


async def test_a_body_must_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    layer = BodyLayer(app, max_body=10 * MEGABYTE)
    assert await answered(layer, *[b"x"] * 1_000, seconds=0.05) == 408
    assert layer.budget.held == 0
    fast = [b"x" * bodies.RATE] * 10
    assert await answered(layer, *fast, seconds=0.05) is None


# -- memory ------------------------------------------------------------------------

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def frames(round: int) -> bytes:
    """One frame of 15 MB, or parts of a message that has no end."""
    mask, part = bytes(4), b"x" * 30_000
    if round % 2:
        first = struct.pack(">BBQ", 0x81, 0xFF, 15 * MEGABYTE) + mask
        return first + b"x" * (2 * MEGABYTE)
    whole = struct.pack(">BBH", 0x01, 0xFE, len(part)) + mask + part
    more = struct.pack(">BBH", 0x00, 0xFE, len(part)) + mask + part
    return whole + more * 70


def send_messages(server: Server, number: int) -> socket.socket:
    to = connected(server)
    to.sendall(head("/ws/", *UPGRADE, method="GET"))
    assert b" 101 " in to.recv(65_536)
    with suppress(OSError):  # the server has closed it
        to.sendall(frames(number))
    return to


def send_body(server: Server, number: int) -> socket.socket:
    to = connected(server)
    to.sendall(head(CLOSED[number % len(CLOSED)], f"Content-Length: {30 * MEGABYTE}"))
    with suppress(OSError):
        to.sendall(b"x" * (MEGABYTE // 2))
    assert status(to) == 401
    return to


def resident(server: Server) -> float:
    """MB of memory."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def one_round(server: Server, pool: ThreadPoolExecutor) -> None:
    for send, count in ((send_messages, 200), (send_body, 500)):
        opened = list(pool.map(send, [server] * count, range(count)))
        for one in opened:
            one.close()


def test_memory_after_many_of_them(server: Server) -> None:
    def is_answering() -> bool:
        with closing(connected(server)) as to:
            to.sendall(head("/api/about", method="GET"))
            return status(to) == 401

    eventually(is_answering, "the server answers")
    before = resident(server)
    with ThreadPoolExecutor(16) as pool:
        one_round(server, pool)
        one_round(server, pool)
    eventually(is_answering, "the server answers")
    assert resident(server) - before < 60
