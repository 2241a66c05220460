"""Many clients at once: memory stays bounded, and others are served.

The numbers are those of a test; ``CROWD`` multiplies them.
"""

from __future__ import annotations

import base64
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.outages.site import Site, connected, site
from tests.patience import PATIENCE, eventually

CROWD = int(os.environ.get("CROWD", "1"))
DEAF = 50 * CROWD
SOCKETS = 200 * CROWD
HELLOS = 1_000 * CROWD
MB = 1024
"""In KB, as the kernel counts."""


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Site]:
    with site(
        f"sqlite:///{tmp_path / 'site.sqlite3'}", tmp_path, HAYSTACK_MAX_RUNNING="4"
    ) as one:
        yield one


def memory(at: Site) -> int:
    """KB of the server's process."""
    status = Path(f"/proc/{at.server.process.pid}/status").read_text()
    [line] = [one for one in status.splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1])


def opened(at: Site, lines: list[str]) -> socket.socket:
    """A connection that has sent a request."""
    raw = socket.create_connection(("127.0.0.1", at.server.port), PATIENCE)
    head = "\r\n".join([*lines, "Host: localhost", *_headers(at), "", ""])
    raw.sendall(head.encode())
    return raw


def _headers(at: Site) -> list[str]:
    return [f"{name}: {value}" for name, value in at.headers.items()]


def check_others_are_served(at: Site) -> None:
    """Another user, without a token of the crowd's."""
    words = base64.b64encode(b"alice:correct horse").decode()
    for path in ("/api/about", "/api/read?filter=site"):
        assert at.ask(path, Authorization=f"Basic {words}").status == 200
    assert at.ask("/healthz", Host="x").status == 200


def test_clients_that_never_read(at: Site) -> None:
    """200 of them ask for 2 MB each: 400 MB, which are on disk."""
    assert at.ask("/api/defs").status == 200
    check_others_are_served(at)
    before = memory(at)
    with ExitStack() as crowd:
        for _ in range(DEAF):
            crowd.enter_context(closing(opened(at, ["GET /api/defs HTTP/1.1"])))
        check_others_are_served(at)
        eventually(lambda: memory(at) - before < 200 * MB, "memory is bounded")
        time.sleep(1)
        grown = memory(at) - before
        assert grown < 200 * MB
        print(f"{DEAF} clients that never read: {grown:,} KB")
    check_others_are_served(at)


def test_websockets_that_are_logged_in(at: Site) -> None:
    with connected(at) as first:
        assert first.ask("ping")["op"] == "pong"
    before = memory(at)
    with ExitStack() as crowd:
        for _ in range(SOCKETS):
            raw = crowd.enter_context(
                closing(
                    opened(
                        at,
                        [
                            "GET /ws/ HTTP/1.1",
                            "Upgrade: websocket",
                            "Connection: Upgrade",
                            "Sec-WebSocket-Version: 13",
                            f"Sec-WebSocket-Key: {_key()}",
                        ],
                    )
                )
            )
            assert raw.recv(12) == b"HTTP/1.1 101"
        each = (memory(at) - before) / SOCKETS
        assert each < 200, f"{each:.0f} KB a socket"
        check_others_are_served(at)
        with connected(at) as one:
            assert one.ask("ping")["op"] == "pong"
        print(f"{SOCKETS} websockets: {each:.0f} KB each")


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode()


def test_handshakes_that_are_not_finished(at: Site, tmp_path: Path) -> None:
    def say_hello(count: int) -> None:
        with closing(socket.create_connection(("127.0.0.1", at.server.port))) as raw:
            raw.settimeout(PATIENCE)
            for _ in range(count):
                name = base64.b64encode(secrets.token_hex(6).encode()).decode()
                raw.sendall(
                    b"GET /api/about HTTP/1.1\r\nHost: localhost\r\n"
                    b"Authorization: HELLO username=%s\r\n\r\n" % name.encode()
                )
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += raw.recv(4096)
                assert answer.startswith(b"HTTP/1.1 401"), answer

    say_hello(50)
    before = memory(at)
    threads = [
        threading.Thread(target=say_hello, args=(HELLOS // 10,)) for _ in "x" * 10
    ]
    for thread in threads:
        thread.start()
    check_others_are_served(at)
    for thread in threads:
        thread.join(PATIENCE)
    grown = memory(at) - before
    assert grown < 100 * MB  # 55 for 10,000 and for 15,000
    print(f"{HELLOS} handshakes: {grown:,} KB")
    with closing(sqlite3.connect(tmp_path / "site.sqlite3")) as database:
        [(rows,)] = database.execute("SELECT count(*) FROM haystack_handshakes")
    assert rows <= HELLOS + 50
