"""A server with real sockets, and connections to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from haystack_app.auth import tokens
from haystack_app.kinds import MARKER, Grid, Ref
from haystack_app.models import Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_reader, hayson_writer
from tests.api.conftest import scram_passwords, served, user
from tests.patience import PATIENCE
from tests.storage.building import entity, point

__all__ = ["Socket", "api_token", "fill", "ids_of", "scram_passwords", "served"]


def api_token(name: str, scope: str = Token.READ) -> str:
    token = Token(
        user=get_user_model().objects.get(username=name), name="t", scope=scope
    )
    secret = tokens.create_secret(token)
    token.save()
    return secret


def ids_of(grid: Grid) -> list[Any]:
    return [row["id"].id if row else None for row in grid]


def fill(store: StorageAdapter) -> None:
    store.load_entities(
        [
            entity("north", site=MARKER),
            *(point(id, siteRef=Ref("north"), cur=MARKER) for id in "abc"),
        ],
        replace=True,
    )


class Socket:
    """A connection that speaks the protocol of docs/live.md."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw
        self.refs = 0
        self.others: list[Any] = []

    def say(self, **message: Any) -> None:
        if isinstance(grid := message.get("grid"), Grid):
            message["grid"] = json.loads(hayson_writer.grid_text(grid))
        self.raw.send(json.dumps(message))

    def receive(self, seconds: float = PATIENCE) -> Any:
        """The next message; its grid is read."""
        message = json.loads(self.raw.recv(timeout=seconds))
        if "grid" in message:
            message["grid"] = hayson_reader.decode(message["grid"])
        return message

    def ask(self, op: str, **words: Any) -> Any:
        """The answer; what comes before it is kept in ``others``."""
        self.refs += 1
        self.say(op=op, ref=self.refs, **words)
        while (message := self.receive()).get("ref") != self.refs:
            self.others.append(message)
        return message

    def grid(self, op: str, **words: Any) -> Grid:
        answer = self.ask(op, **words)
        assert "grid" in answer, answer
        found: Grid = answer["grid"]
        return found

    def sub(self, *ids: str, **meta: Any) -> Grid:
        rows = [{"id": Ref(id)} for id in ids]
        named = {} if "watchId" in meta else {"watchDis": "t"}
        return self.grid("sub", grid=Grid.of(rows, meta=named | meta))

    def pushed(self, *, ack: bool = True) -> Grid:
        message = self.receive()
        assert message["op"] == "push", message
        grid: Grid = message["grid"]
        if ack:
            seq = int(grid.meta["seq"].val)
            self.say(op="ack", watchId=grid.meta["watchId"], seq=seq)
        return grid

    def is_quiet(self, seconds: float = 0.6) -> bool:
        with suppress(TimeoutError):
            self.others.append(self.receive(seconds))
            return False
        return True

    def close_code(self) -> int:
        with suppress(ConnectionClosed):
            while True:
                self.others.append(self.receive())
        assert self.raw.protocol.close_code is not None
        return self.raw.protocol.close_code


@pytest.fixture
def server(transactional_db: None) -> Iterator[int]:
    """The port of a server on the default store, which has a few points."""
    fill(storages["default"])
    user("alice")
    user("vera", "viewer")
    with served() as port:
        yield port


@pytest.fixture
def opened(server: int) -> Iterator[Callable[..., Socket]]:
    """Open a connection: with a token of ``user``, or with other headers."""
    held = ExitStack()

    def open(
        name: str | None = "alice",
        path: str = "/ws/",
        headers: dict[str, str] | None = None,
        origin: str | None = None,
    ) -> Socket:
        headers = dict(headers or {})
        if name is not None:
            secret = tokens.issue(get_user_model().objects.get(username=name))
            headers["Authorization"] = f"BEARER authToken={secret}"
        return Socket(
            held.enter_context(
                connect(
                    f"ws://127.0.0.1:{server}{path}",
                    additional_headers=headers,
                    origin=origin,  # type: ignore[arg-type]
                    max_size=2**24,
                )
            )
        )

    with held:
        yield open


@pytest.fixture
def session() -> Callable[[str], dict[str, str]]:
    """Headers with the cookie of a session of the admin."""

    def log_in(name: str) -> dict[str, str]:
        client = Client()
        client.force_login(get_user_model().objects.get(username=name))
        return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}

    return log_in
