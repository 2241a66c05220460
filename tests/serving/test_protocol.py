"""Connections that send nothing, or too little, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from haystack_app.serving import protocol
from haystack_app.serving.protocol import HttpProtocol
from tests.patience import PATIENCE, eventually

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


class Server:
    def __init__(self) -> None:
        config = uvicorn.Config(
            echo,
            http=HttpProtocol,
            lifespan="off",
            log_config=None,
            limit_concurrency=12,
            timeout_keep_alive=60,
        )
        self.uvicorn = uvicorn.Server(config)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.uvicorn.run, args=([self.socket],))

    def connect(self, data: bytes = b"") -> socket.socket:
        peer = socket.create_connection(self.socket.getsockname(), timeout=PATIENCE)
        peer.sendall(data)
        return peer


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.thread.start()
    eventually(lambda: server.uvicorn.started)
    yield server
    server.uvicorn.should_exit = True
    server.thread.join(PATIENCE)


def is_answered(peer: socket.socket) -> bool:
    return peer.recv(1_000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nHost:", REQUEST + b"GE"])
def test_silence_ends_the_connection(
    server: Server, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    peer = server.connect(data)
    if data.startswith(REQUEST):
        assert is_answered(peer)
    assert peer.recv(1_000) == b""


def test_a_body_may_take_longer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is limited elsewhere."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    slow, silent = server.connect(UPLOAD), server.connect()
    assert silent.recv(1_000) == b""
    slow.sendall(b"cd")
    assert is_answered(slow)


def test_many_silent_ones_refuse_no_client(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MOST_IDLE", 4)
    peers = []
    for number in range(40):
        peers.append(server.connect(b"GET / HT" if number % 2 else b""))
        if number % 8 == 0:
            asking = server.connect(REQUEST)
            assert is_answered(asking)
            asking.close()
    assert peers[0].recv(1_000) == b""
    kept = server.connect(REQUEST)
    for _ in range(3):
        assert is_answered(kept)
        kept.sendall(REQUEST)
    assert is_answered(kept)


def test_many_half_bodies_refuse_no_client(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of uvicorn is 12 connections here."""
    monkeypatch.setattr(protocol, "MOST_UPLOADS", 4)
    peers = []
    for number in range(40):
        peers.append(server.connect(UPLOAD))
        if number % 8 == 0:
            asking = server.connect(REQUEST)
            assert is_answered(asking)
            asking.close()
    assert peers[0].recv(1_000) == b""
    peers[-1].sendall(b"cd")
    assert is_answered(peers[-1])
    # one connection may send many bodies, one after the other
    kept = server.connect(UPLOAD + b"cd")
    for _ in range(8):
        assert is_answered(kept)
        kept.sendall(UPLOAD + b"cd")


def test_a_websocket_is_not_an_idle_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    head = (
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    peer, silent = server.connect(head), server.connect()
    assert peer.recv(1_000).startswith(b"HTTP/1.1 101")
    assert silent.recv(1_000) == b""
    peer.settimeout(0.5)
    with pytest.raises(TimeoutError):
        peer.recv(1_000)
