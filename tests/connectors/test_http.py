"""Requests to servers that are slow, endless, not trusted, or elsewhere."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from haystack_app.connectors import ConnectorError
from haystack_app.connectors.haystack.scram import Scram
from haystack_app.connectors.http import HttpClient, TooLarge, checked_url, shown

PEM = Path(__file__).parent / "data" / "self_signed.pem"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/zinc\r\n"


@contextmanager
def serving(
    answer: Callable[[socket.socket], None], *, tls: bool = False
) -> Iterator[str]:
    """A server that answers each connection by a function."""
    listening = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)

    def serve() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError), accepted:
                if tls:
                    accepted = context.wrap_socket(accepted, server_side=True)
                accepted.recv(65_536)
                answer(accepted)
                accepted.close()

    threading.Thread(target=serve, daemon=True).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/api"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def sent(url: str, *, seconds: float = 5, most: int = 10**6, **kwargs: Any) -> bytes:
    client = HttpClient(url, seconds=seconds, most=most, **kwargs)
    try:
        return client.send("GET", "/about", {}).body
    finally:
        client.close()


def well(to: socket.socket) -> None:
    to.sendall(HEAD + b"Content-Length: 4\r\n\r\nfine")


def drip(to: socket.socket, head: bytes) -> None:
    to.sendall(head)
    for _ in range(600):
        to.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX: ", HEAD + b"Content-Length: 9999\r\n\r\n", HEAD + b"\r\n"],
)
def test_bytes_one_by_one_time_out(head: bytes) -> None:
    with (
        serving(lambda to: drip(to, head)) as url,
        pytest.raises(ConnectorError, match=r"did not answer within 0\.3 s") as caught,
    ):
        sent(url, seconds=0.3)
    assert caught.value.status == "timeout"


@pytest.mark.parametrize("head", [b"Content-Length: 99999999\r\n\r\n", b"\r\n"])
def test_an_answer_without_end_is_left(head: bytes) -> None:
    def endless(to: socket.socket) -> None:
        to.sendall(HEAD + head)
        for _ in range(200):
            to.sendall(b"x" * 65_536)

    with serving(endless) as url, pytest.raises(TooLarge, match="longer than 1 MB"):
        sent(url, most=1024**2)


def test_a_redirect_is_not_followed() -> None:
    with serving(well) as other:

        def redirect(to: socket.socket) -> None:
            to.sendall(f"HTTP/1.1 302 Found\r\nLocation: {other}\r\n".encode())
            to.sendall(b"Content-Length: 0\r\n\r\n")

        with serving(redirect) as url:
            assert sent(url) == b""


def test_a_certificate_is_trusted_by_name_only() -> None:
    with serving(well, tls=True) as url:
        with pytest.raises(ConnectorError, match="is not trusted") as caught:
            sent(url)
        assert caught.value.status == "tls"
        certificate = PEM.read_text().partition("-----BEGIN CERTIFICATE")
        pem = "".join(certificate[1:])
        assert sent(url, certificates=pem) == b"fine"


def test_a_name_that_leads_to_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several addresses is enough."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
        for address in ("10.0.0.1", "169.254.169.254")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ConnectorError, match="is refused") as caught:
        sent("http://plant.example/api")
    assert caught.value.status == "address"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "snow ☃"])
def test_a_header_that_cannot_be_sent_is_not_shown(value: str) -> None:
    with serving(well) as url:
        client = HttpClient(url, seconds=5, most=1_000)
        with pytest.raises(ConnectorError, match="cannot be sent") as caught:
            client.send("GET", "/about", {"Authorization": value})
        client.close()
    assert value not in str(caught.value)


def test_a_hash_that_takes_hours_is_refused() -> None:
    scram = Scram(HttpClient("http://127.0.0.1/api", seconds=1, most=1), "u", "p")
    scram._iter_count = 10**9
    with pytest.raises(ConnectorError, match="1,000,000,000 iterations"):
        _ = scram._salted_password


def test_urls_and_texts() -> None:
    assert checked_url("http://bms:8080/api/") == "http://bms:8080/api"
    for wrong in ("http://h:port/", "http:///api", "http://h/a b", "http://h/#x"):
        with pytest.raises(ValueError):
            checked_url(wrong)
    assert shown("a\x1b[2Jb\n") == "a [2Jb "
    assert len(shown("x" * 1_000)) < 310
