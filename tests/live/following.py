"""A client of ``/api/changes`` by hand: long-poll, and events as EventSource reads them."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.api.conftest import basic
from tests.patience import PATIENCE

__all__ = ["Event", "Stream", "get", "stream"]


class Event(NamedTuple):
    name: str
    data: Any
    id: str


class Stream:
    """One connection; it knows the last id, also one that came without an event."""

    def __init__(self, connection: http.client.HTTPConnection, answer: Any) -> None:
        self.connection = connection
        self.answer = answer
        self.last_id = ""
        self.comments = 0

    def __iter__(self) -> Iterator[Event]:
        """Events until the stream ends."""
        name, data = "", ""
        while line := self.answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if line == "\n":
                if data:
                    yield Event(name, json.loads(data), self.last_id)
                name, data = "", ""
            elif line.startswith(":"):
                self.comments += 1
            elif field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value

    def take(self, count: int) -> list[Event]:
        events = iter(self)
        return [next(events) for _ in range(count)]

    def begin(self) -> str:
        """The id that is sent before the first event."""
        while not self.last_id:
            line = self.answer.readline().decode()
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ").rstrip("\n")
        assert self.answer.readline() == b"\n"
        return self.last_id

    def leave(self) -> None:
        self.answer.close()
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def get(
    port: int,
    query: str = "",
    *,
    name: str | None = "alice",
    path: str = "/api/changes",
    method: str = "GET",
    **headers: str,
) -> Any:
    """(status, body, headers) of one request; the body is read as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path + query, headers=_headers(name, headers))
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body else None, answer.headers
    finally:
        connection.close()


def stream(
    port: int,
    query: str = "",
    *,
    name: str | None = "alice",
    path: str = "/api/changes",
    **headers: str,
) -> Stream:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    sent = {"Accept": "text/event-stream", **_headers(name, headers)}
    connection.request("GET", path + query, headers=sent)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.headers["Content-Type"] == "text/event-stream"
    return Stream(connection, answer)


def _headers(name: str | None, headers: dict[str, str]) -> dict[str, str]:
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return given if name is None else {**basic(name), **given}
