"""Bytes on the connection, with each of uvicorn's HTTP parsers."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import DateTime, Number
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import zinc_reader
from tests.api.conftest import basic, fill, served, user
from tests.defects.building import at
from tests.patience import PATIENCE

COUNT = 30_000
HISTORY = "/api/hisRead?id=@n&range=2024-01-01,2024-12-31"
GRID = b'ver:"3.0"\nfilter\n"site"\n'
PATHS = {
    "whole": ("GET", "/api/read?filter=site", 200),
    "streamed": ("GET", HISTORY, 200),
    "error grid": ("GET", "/api/read?filter=)", 200),
    "unknown op": ("GET", "/api/nosuch", 404),
    "no op": ("GET", "/api/", 404),
    "GET of a writing op": ("GET", "/api/hisWrite", 405),
    "no Content-Type": ("POST", "/api/read", 400),
    "method": ("DELETE", "/api/read", 501),
    "HEAD": ("HEAD", "/api/about", 200),
    "OPTIONS": ("OPTIONS", "/api/about", 200),
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool
    """Whether the server closed the connection after the response."""

    @property
    def content(self) -> bytes:
        """The body without its chunks."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.body
        content, rest = b"", self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            content, rest = content + rest[:length], rest[length + 2 :]
        return content


Ask = Callable[..., Answer]


@pytest.fixture(params=["httptools", "h11"])
def ask(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Ask]:
    """Sends one request and takes all that comes.

    That ends with the connection; one that may stay open is given 1.5 s of silence.
    """
    fill(storages["default"])
    user("alice", is_staff=True)
    connections.close_all()
    with served(request.param) as port:

        def send(
            method: str,
            path: str,
            body: bytes = b"",
            *,
            version: str = "1.1",
            **headers: str,
        ) -> Answer:
            given = {"Host": "localhost", "Connection": "close", **basic("alice")}
            given |= {name.replace("_", "-"): text for name, text in headers.items()}
            if body and "Transfer-Encoding" not in given:
                given.setdefault("Content-Length", str(len(body)))
            lines = [f"{method} {path} HTTP/{version}"]
            lines += [f"{name}: {text}" for name, text in given.items()]
            stays = version == "1.1" and "close" not in given["Connection"].lower()
            where = ("127.0.0.1", port)
            with socket.create_connection(where, timeout=PATIENCE) as peer:
                peer.sendall("\r\n".join([*lines, "", ""]).encode() + body)
                return received(peer, 1.5 if stays else PATIENCE)

        yield send


@pytest.fixture
def history(ask: Ask) -> None:
    """More samples than the server sends in one piece."""
    start = at("2024-01-01 00:00")
    minute = dt.timedelta(minutes=1)
    storages["default"].his_write(
        "n",
        ((DateTime(start.utc + n * minute, start.tz), Number(n)) for n in range(COUNT)),
    )
    connections.close_all()


def received(peer: socket.socket, silence: float) -> Answer:
    data, closed = b"", False
    try:
        while piece := peer.recv(65_536):
            data += piece
            peer.settimeout(silence)
        closed = True
    except (TimeoutError, ConnectionResetError):
        pass
    top, _, body = data.partition(b"\r\n\r\n")
    status, *lines = top.decode("latin1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): text for name, _, text in pairs}
    return Answer(int(status.split()[1]), headers, body, closed)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("header", ["close", "Close", "close, TE"])
def test_close_is_answered_with_close(ask: Ask, header: str) -> None:
    """Go's client reports EOF otherwise."""
    for case, (method, path, status) in PATHS.items():
        answer = ask(method, path, Connection=header)
        assert (answer.status, answer.closed) == (status, True), case
        assert answer.headers["connection"].lower() == "close", case
        assert answer.headers["cache-control"] == "no-cache, no-store", case
        if case == "streamed":
            assert answer.headers["transfer-encoding"] == "chunked"
            assert answer.body.endswith(b"\r\n0\r\n\r\n")
        if case != "OPTIONS":
            assert answer.headers["content-type"].endswith("; charset=utf-8"), case


def test_connections_live_on_otherwise(ask: Ask) -> None:
    answer = ask("GET", "/api/read?filter=site", Connection="keep-alive")
    assert (answer.status, answer.closed) == (200, False)
    assert answer.headers.get("connection") != "close"


def test_refusals_before_the_application_close(ask: Ask) -> None:
    large = str(40 * 1024 * 1024)
    answer = ask("POST", "/api/read", Content_Length=large, Expect="100-continue")
    assert (answer.status, answer.closed) == (413, True)
    assert answer.headers["connection"].lower() == "close"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert b"cap BODY" in answer.body


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("header", ["close", "keep-alive"])
def test_http_1_0_responses_are_not_chunked(ask: Ask, header: str) -> None:
    for case, (method, path, status) in PATHS.items():
        answer = ask(method, path, version="1.0", Connection=header)
        assert (answer.status, answer.closed) == (status, True), case
        assert "transfer-encoding" not in answer.headers, case
        assert answer.headers["connection"].lower() == "close", case
        if method == "GET":
            assert int(answer.headers["content-length"]) == len(answer.body), case
        if case == "streamed":
            assert len(list(zinc_reader.read_grid(answer.body.decode()))) == COUNT


@pytest.mark.usefixtures("history")
def test_http_1_0_failure_in_the_middle(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OrmAdapter, "his_chunks", failing(OrmAdapter.his_chunks))
    answer = ask("GET", HISTORY, version="1.0")
    assert (answer.status, answer.closed) == (500, True)


# -- gzip ---------------------------------------------------------------------


def test_compressed_responses(ask: Ask) -> None:
    plain = ask("GET", "/api/read?filter=id")
    packed = ask("GET", "/api/read?filter=id", Accept_Encoding="gzip, deflate")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert int(packed.headers["content-length"]) == len(packed.body)
    assert "Accept-Encoding" in packed.headers["vary"]


@pytest.mark.usefixtures("history")
def test_streams_are_compressed_in_chunks(ask: Ask) -> None:
    answer = ask("GET", HISTORY, Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body.count(b"\r\n") > 4
    text = gzip.decompress(answer.content).decode()
    assert len(list(zinc_reader.read_grid(text))) == COUNT


@pytest.mark.usefixtures("history")
def test_compressed_stream_that_fails_is_incomplete(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OrmAdapter, "his_chunks", failing(OrmAdapter.his_chunks))
    answer = ask("GET", HISTORY, Accept_Encoding="gzip")
    assert (answer.status, answer.closed) == (200, True)
    assert answer.body
    assert not answer.body.endswith(b"0\r\n\r\n")
    unpacker = zlib.decompressobj(31)
    unpacker.decompress(answer.content)
    assert not unpacker.eof


def failing(original: Any) -> Any:
    def chunks(*args: Any) -> Iterator[Any]:
        yield next(original(*args))
        raise RuntimeError("the disk is gone")

    return chunks


@pytest.mark.parametrize("chunked", [False, True])
def test_compressed_requests(ask: Ask, chunked: bool) -> None:
    body = gzip.compress(GRID)
    headers = {"Content_Type": "text/zinc", "Content_Encoding": "gzip"}
    if chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        headers["Transfer_Encoding"] = "chunked"
        answer = ask("POST", "/api/read", body, **headers)
    else:
        answer = ask("POST", "/api/read", body, **headers)
    assert answer.status == 200
    assert len(list(zinc_reader.read_grid(answer.content.decode()))) == 2


def test_compressed_requests_that_are_too_large_or_invalid(ask: Ask) -> None:
    headers = {"Content_Type": "text/zinc", "Content_Encoding": "gzip"}
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    assert ask("POST", "/api/load", bomb, **headers).status == 413
    assert ask("POST", "/api/load", gzip.compress(GRID)[:-3], **headers).status == 400
    assert ask("POST", "/api/load", GRID, **headers).status == 400
    headers["Content_Encoding"] = "br"
    assert ask("POST", "/api/load", GRID, **headers).status == 415


# -- what no test client of Django's can send ---------------------------------


def test_a_content_type_that_cannot_be_decoded(ask: Ask) -> None:
    for parameter, status in (
        ("x*=nosuch''a", 415),
        ("charset*=nosuch''a", 415),
        ("charset=nosuch", 200),
        ("x*=utf-8''%ff", 200),
        ("x*=a", 200),
        ("x*0=a; x*1*=b; x*=c; x=d", 415),
        ("charset*0=utf-8; charset*=utf-8''x", 415),
        ("boundary*=x; boundary*0*=y; boundary=z", 415),
        ("charset=base64", 200),
        ("charset=idna", 200),
    ):
        content_type = f"text/zinc; {parameter}"
        answer = ask("POST", "/api/read", GRID, Content_Type=content_type)
        assert answer.status == status, content_type
        assert ask("GET", "/api/about", Content_Type=content_type).status == 200
        answer = ask("POST", "/admin/login/", b"a=b", Content_Type=content_type)
        assert answer.status == 403  # it has no CSRF token
        for path in ("/api/about?a=1", "/log-in/?a=1", "/ws/?a=1", "/?a=1"):
            answer = ask("OPTIONS", path, Content_Type=content_type)
            assert answer.status < 500, path


def test_forms_whose_parts_cannot_be_read(ask: Ask) -> None:
    for header in (
        "form-data; name=username; name*=b; name*0=c",
        "form-data; name=username; x*=nosuch''a",
        "form-data; name=username; filename*0*=a; filename*=b",
    ):
        body = f"--x\r\nContent-Disposition: {header}\r\n\r\n1\r\n--x--\r\n"
        content_type = "multipart/form-data; boundary=x"
        for path in ("/log-in/", "/admin/login/", "/api/read"):
            answer = ask("POST", path, body.encode(), Content_Type=content_type)
            assert answer.status in (400, 403, 415), (path, header)


def test_disallowed_host(ask: Ask, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    answer = ask("GET", "/api/about", Host="elsewhere", Connection="close")
    assert answer.status == 400
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert answer.headers["content-type"].endswith("; charset=utf-8")
    assert answer.closed
