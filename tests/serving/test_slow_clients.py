"""Clients that leave, stall or take their time, over real sockets."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from haystack_app.serving import answer_queue
from haystack_app.serving.bodies import BodyLayer
from haystack_app.serving.http10 import OldClientLayer
from haystack_app.serving.slow_clients import SlowClientLayer
from haystack_app.serving.spool import Budget
from haystack_app.serving.wsgi_threads import wsgi_in_threads
from tests.patience import PATIENCE, eventually

THREADS = 2
CHUNK = b"x" * 100_000


class Response:
    """``chunks`` chunks with a pause after each; knows how it ended."""

    def __init__(self, chunks: int, pause: float) -> None:
        self.left = chunks
        self.pause = pause
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while self.left:
            self.left -= 1
            yield CHUNK
            time.sleep(self.pause)

    def close(self) -> None:
        self.closed.set()


class Application:
    """Answers ``/chunks/pause``."""

    def __init__(self) -> None:
        self.responses: list[Response] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        chunks, pause = environ["PATH_INFO"].strip("/").split("/")
        response = Response(int(chunks), float(pause))
        self.responses.append(response)
        start_response("200 OK", [])
        return response


class Server:
    def __init__(self, http: str, application: Any = None) -> None:
        self.application = application or Application()
        threads = wsgi_in_threads(self.application, THREADS)
        self.layer = SlowClientLayer(
            OldClientLayer(BodyLayer(threads, max_body=1_000_000)),
            patience=60,
            budget=Budget(1 << 32),
        )
        config = uvicorn.Config(self.layer, lifespan="off", log_config=None, http=http)
        self.uvicorn = uvicorn.Server(config)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.uvicorn.run, args=([self.socket],))

    @property
    def responses(self) -> list[Response]:
        return self.application.responses

    def ask(self, path: str, *, version: str = "1.1", method: str = "GET") -> Any:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        peer.settimeout(PATIENCE)
        peer.connect(self.socket.getsockname())
        peer.sendall(request(path, version=version, method=method))
        return peer

    def wait_for(self, count: int) -> None:
        """Until that many answers have begun."""
        eventually(lambda: len(self.responses) >= count)


def request(path: str, *, version: str = "1.1", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: h\r\n\r\n".encode()


def whole(peer: socket.socket) -> bytes:
    """One chunked answer, with its head and its chunks."""
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        data += peer.recv(65_536) or pytest.fail(f"closed after {len(data)} bytes")
    return data


def rest(peer: socket.socket) -> bytes:
    data = b""
    try:
        while piece := peer.recv(65_536):
            data += piece
    except ConnectionResetError:
        pass
    return data


@pytest.fixture(params=["httptools", "h11"])
def server(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[Server]:
    server = Server(request.param)
    with caplog.at_level(logging.WARNING):
        server.thread.start()
        eventually(lambda: server.uvicorn.started)
        yield server
        server.uvicorn.should_exit = True
        server.thread.join(PATIENCE)


def test_a_disconnect_frees_the_thread(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for version in ("1.1", "1.0"):  # the second is sent nothing before its end
        server.responses.clear()
        peers = [server.ask("/600/0.5", version=version) for _ in range(THREADS)]
        server.wait_for(THREADS)
        for peer in peers:
            peer.close()
        assert b"200 OK" in whole(server.ask("/1/0"))
        eventually(
            lambda: all(response.closed.is_set() for response in server.responses)
        )
        assert all(response.left > 400 for response in server.responses[:THREADS])
    assert not caplog.records


def test_a_disconnect_while_waiting_for_a_thread(server: Server) -> None:
    busy = [server.ask("/8/0.1") for _ in range(THREADS)]
    server.wait_for(THREADS)
    for _ in range(5):
        server.ask("/600/0.1").close()
    for peer in busy:
        whole(peer)
    assert b"200 OK" in whole(server.ask("/1/0"))
    eventually(lambda: all(response.closed.is_set() for response in server.responses))
    assert len(server.responses) == THREADS + 1


def test_slow_readers_free_the_thread(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    peers = [server.ask("/100/0") for _ in range(THREADS * 2)]  # 10 MB each
    server.wait_for(THREADS * 2)
    eventually(lambda: all(response.closed.is_set() for response in server.responses))
    assert b"200 OK" in whole(server.ask("/1/0"))
    for peer in peers:
        assert whole(peer).count(b"x") == 100 * len(CHUNK)
    assert not caplog.records


def test_producers_do_not_get_too_far_ahead(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_queue, "AHEAD", 1_000_000)
    peer = server.ask("/100/0")
    assert peer.recv(1_000)
    assert not server.responses[0].closed.wait(0.5)
    assert whole(peer).count(b"x") > 99 * len(CHUNK)


def test_stalled_clients_are_disconnected(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A truncated answer must not look complete."""
    monkeypatch.setattr(answer_queue, "AHEAD", 1_000_000)
    server.layer.patience = 1
    peer = server.ask("/600/0")
    server.wait_for(1)
    assert server.responses[0].closed.wait(PATIENCE)
    assert server.responses[0].left > 100
    assert not rest(peer).endswith(b"0\r\n\r\n")
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "a client took nothing for 1 s: given up"
    assert not any(record.exc_info for record in caplog.records)


def test_a_full_disk_frees_the_thread(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, body: bytes) -> int:
        if body:  # the request has none
            raise OSError("no space left")
        return 0

    monkeypatch.setattr(answer_queue.SpooledTemporaryFile, "write", full)
    peer = server.ask("/600/0.5")
    assert not rest(peer).endswith(b"0\r\n\r\n")
    assert server.responses[0].closed.wait(PATIENCE)
    assert server.responses[0].left > 500


def test_connections_live_on(server: Server) -> None:
    """What is watched of one request takes nothing of the next."""
    peer = server.ask("/3/0")
    for _ in range(20):
        assert whole(peer).count(b"x") == 3 * len(CHUNK)
        peer.sendall(request("/3/0"))
    assert whole(peer).count(b"x") == 3 * len(CHUNK)
    peer.sendall(request("/1/0.2") + request("/1/0"))  # pipelined
    assert whole(peer).count(b"x") + rest_of_second(peer) == 2 * len(CHUNK)


def rest_of_second(peer: socket.socket) -> int:
    """Of a pipelined answer; none if it came with the first."""
    peer.settimeout(1)
    try:
        return whole(peer).count(b"x")
    except TimeoutError:
        return 0


def test_head_ends_the_answer(server: Server) -> None:
    peer = server.ask("/3/0", method="HEAD")
    assert peer.recv(65_536).endswith(b"\r\n\r\n")
    peer.sendall(request("/1/0"))
    assert whole(peer).count(b"x") == len(CHUNK)


def test_slow_uploads_take_no_thread(server: Server) -> None:
    peers = [socket.create_connection(server.socket.getsockname()) for _ in range(30)]
    for peer in peers:
        peer.sendall(b"POST /1/0 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
    assert b"200 OK" in whole(server.ask("/1/0"))
    assert len(server.responses) == 1
    for peer in peers:
        peer.sendall(b"defghi")
    for peer in peers:
        assert whole(peer).count(b"x") == len(CHUNK)
        peer.close()


async def test_other_protocols_pass() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    layer = SlowClientLayer(app, patience=1, budget=Budget(1))
    await layer({"type": "websocket"}, None, None)  # type: ignore[arg-type]
    assert seen == [{"type": "websocket"}]
