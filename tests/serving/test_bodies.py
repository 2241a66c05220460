"""The body layer, in memory and over real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from haystack_app.serving import bodies as body_module
from haystack_app.serving.bodies import BodyLayer
from haystack_app.serving.wsgi_threads import wsgi_in_threads
from tests.patience import PATIENCE, eventually

CAP = 3_000_000


class Echo:
    """A WSGI application that answers with what reached it."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        self.calls.append({**environ, "body": body})
        answer = f"{length} {len(body)} {hash(body)}".encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]


async def ask(
    messages: list[dict[str, Any]], headers: list[tuple[bytes, bytes]], cap: int = 100
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Any]]:
    """(messages sent, messages the application received, its headers)."""
    pending = [*messages, {"type": "http.disconnect"}]
    sent: list[dict[str, Any]] = []
    got: list[dict[str, Any]] = []
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])
        while not got or got[-1].get("more_body"):
            got.append(await receive())
        got.append(await receive())

    async def receive() -> dict[str, Any]:
        return pending.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": headers}
    await BodyLayer(app, max_body=cap)(scope, receive, send)
    return sent, got, seen


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_chunks_are_joined_and_measured() -> None:
    chunks = [part(b"abc"), part(b""), part(b"de", more=False)]
    sent, got, seen = await ask(chunks, [(b"transfer-encoding", b"chunked")])
    assert got == [part(b"abcde", more=False), {"type": "http.disconnect"}]
    assert seen == [[(b"content-length", b"5")]]
    assert sent == []


async def test_empty_get_gains_no_length() -> None:
    _, got, seen = await ask([part(b"", more=False)], [(b"host", b"h")])
    assert seen == [[(b"host", b"h")]]
    assert got[0] == part(b"", more=False)


async def test_large_bodies_come_in_chunks() -> None:
    data = bytes(range(256)) * 8192
    _, got, seen = await ask([part(data, more=False)], [], cap=CAP)
    assert b"".join(m.get("body", b"") for m in got) == data
    assert len(got) > 3
    assert seen == [[(b"content-length", b"2097152")]]


async def test_exactly_the_cap_passes() -> None:
    sent, got, _ = await ask([part(b"x" * 100, more=False)], [])
    assert not sent
    assert got[0]["body"] == b"x" * 100


@pytest.mark.parametrize(
    ("messages", "headers", "status"),
    [
        ([], [(b"content-length", b"101")], 413),
        ([part(b"x" * 60), part(b"x" * 60)], [(b"transfer-encoding", b"chunked")], 413),
        ([part(b"abc", more=False)], [(b"content-length", b"4")], 400),
        ([], [(b"content-length", b"-1")], 400),
        ([], [(b"content-length", b"1"), (b"content-length", b"2")], 400),
        ([], [(b"content-length", b"9" * 5000)], 400),
    ],
)
async def test_refusals(messages: Any, headers: Any, status: int) -> None:
    sent, got, seen = await ask(messages, headers)
    assert (got, seen) == ([], [])
    assert sent[0]["status"] == status
    assert (b"connection", b"close") in sent[0]["headers"]
    assert sent[-1]["more_body"] is False


async def test_truncated_body_is_dropped() -> None:
    assert await ask([part(b"abc")], [(b"content-length", b"10")]) == ([], [], [])
    assert await ask([part(b"abc")], [(b"transfer-encoding", b"x")]) == ([], [], [])


async def test_headers_with_underscores_are_dropped() -> None:
    headers = [(b"x_forwarded_proto", b"https"), (b"x-real", b"1")]
    _, _, seen = await ask([part(b"", more=False)], headers)
    assert seen == [[(b"x-real", b"1")]]


async def test_other_protocols_pass() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    await BodyLayer(app, max_body=1)({"type": "websocket"}, None, None)  # type: ignore[arg-type]
    assert seen == [{"type": "websocket"}]


async def test_a_silent_client_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_module, "LINGER_SECONDS", 0.05)

    async def never() -> Any:
        await asyncio.Event().wait()

    await asyncio.wait_for(body_module.linger(never), PATIENCE)


# --- real sockets -------------------------------------------------------------


class Server:
    def __init__(self, http: str) -> None:
        self.echo = Echo()
        app = BodyLayer(wsgi_in_threads(self.echo, 2), max_body=CAP)
        config = uvicorn.Config(app, lifespan="off", log_level="warning", http=http)
        self.uvicorn = uvicorn.Server(config)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.uvicorn.run, args=([self.socket],))

    def connect(self) -> socket.socket:
        return socket.create_connection(self.socket.getsockname(), timeout=PATIENCE)

    def wait_idle(self) -> None:
        eventually(lambda: not self.uvicorn.server_state.connections, "idle")


@pytest.fixture(params=["httptools", "h11"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param)
    server.thread.start()
    while not server.uvicorn.started:
        time.sleep(0.01)
    yield server
    server.uvicorn.should_exit = True
    server.thread.join(10)


def head(*headers: str) -> bytes:
    lines = ["POST /api/read?x=1 HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (*chunks, b""))


def answer(connection: socket.socket) -> tuple[int, bytes, bytes]:
    """(status, head, body) of an answer with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or pytest.fail(f"closed after {data!r}")
    top, _, rest = data.partition(b"\r\n\r\n")
    length = int(top.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65536) or pytest.fail("closed in the body")
    return int(top.split()[1]), top.lower(), rest


def test_chunked_post_arrives_whole(server: Server) -> None:
    data = b"0123456789" * 200_000
    with server.connect() as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        connection.sendall(chunked(data[:7], data[7:100_000], data[100_000:]))
        status, _, body = answer(connection)
        assert (status, body.split()[:2]) == (200, [b"2000000", b"2000000"])
        # the connection lives on
        connection.sendall(head("Content-Length: 3") + b"abc")
        assert answer(connection)[2].split()[:2] == [b"3", b"3"]
    assert server.echo.calls[0]["body"] == data
    assert "HTTP_TRANSFER_ENCODING" not in server.echo.calls[0]


@pytest.mark.parametrize(
    "request_bytes",
    [
        head("Content-Length: 1000") + b"x" * 999,
        head("Transfer-Encoding: chunked") + chunked(b"x" * 999)[:-5],
    ],
)
def test_truncated_upload_never_arrives(server: Server, request_bytes: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    server.wait_idle()
    assert server.echo.calls == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_too_large_is_413(server: Server, framing: str) -> None:
    data = b"x" * (12 * CAP)
    with server.connect() as connection:
        # The whole upload first, as a simple client does: the answer must survive.
        if framing == "length":
            connection.sendall(head(f"Content-Length: {len(data)}") + data)
        else:
            connection.sendall(head("Transfer-Encoding: chunked") + chunked(data))
        status, top, body = answer(connection)
        assert status == 413
        assert b"connection: close" in top
        assert b"3000000 bytes" in body
        assert connection.recv(1) == b""
    server.wait_idle()
    assert server.echo.calls == []


def test_expect_continue_is_refused_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def linger(_: Any) -> None:
        pytest.fail("it waits for a body that the client has not begun to send")

    monkeypatch.setattr(body_module, "linger", linger)
    with server.connect() as connection:
        connection.sendall(head(f"Content-Length: {CAP + 1}", "Expect: 100-continue"))
        assert answer(connection)[0] == 413
        assert connection.recv(1) == b""
