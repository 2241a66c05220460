"""Clients of the HTTP API, and a server with real sockets."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import uvicorn
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client

from haystack_app.kinds import Grid
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_reader, zinc_reader, zinc_writer
from tests.defects.building import building, point
from tests.patience import PATIENCE, eventually

PASSWORD = "correct horse"


def grid_of(response: Any) -> Grid:
    """The grid of an answer, in the format that its Content-Type names."""
    body = b"".join(response) if response.streaming else response.content
    if response["Content-Type"].startswith("text/zinc"):
        return zinc_reader.read_grid(body.decode())
    return hayson_reader.read_grid(body)


def ids_of(response: Any) -> list[str | None]:
    assert response.status_code == 200
    grid = grid_of(response)
    assert not grid.is_error, grid.meta
    return [row["id"].id if row else None for row in grid]


class Api:
    """One user's requests to one project."""

    def __init__(self, client: Client, project: str = "") -> None:
        self.client = client
        self.root = f"/api/{project}/" if project else "/api/"

    def get(self, op: str, accept: str | None = None, **arguments: Any) -> Any:
        headers = {} if accept is None else {"Accept": accept}
        return self.client.get(self.root + op, arguments, headers=headers)

    def post(
        self,
        op: str,
        body: Grid | bytes | str = b'ver:"3.0"\nempty\n',
        content_type: str = "text/zinc",
        accept: str | None = None,
    ) -> Any:
        if isinstance(body, Grid):
            body = zinc_writer.grid_text(body)
        headers = {} if accept is None else {"Accept": accept}
        # also for an empty body, which the test client would send without
        return self.client.generic(
            "POST", self.root + op, body, headers=headers, CONTENT_TYPE=content_type
        )

    def ids(self, op: str = "read", **arguments: Any) -> list[str | None]:
        """Sorted, unless there are null rows."""
        found = ids_of(self.get(op, **arguments))
        return found if None in found else sorted(found, key=str)

    def error(self, response: Any) -> str:
        """What an error grid says; the status is 200."""
        assert response.status_code == 200, response.content
        grid = grid_of(response)
        assert grid.is_error
        assert list(grid) == []
        dis = grid.meta["dis"]
        assert isinstance(dis, str)
        return dis


@pytest.fixture(autouse=True)
def _no_remembered_log_ins() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def user(name: str, role: str | None = None, **flags: bool) -> Any:
    """An operator, or an admin if staff; a role of "" is none at all."""
    made = get_user_model().objects.create_user(name, password=PASSWORD, **flags)
    if role is None:
        role = "admin" if made.is_staff else "operator"
    if role:
        made.groups.add(Group.objects.get(name=role))
    return made


def logged_in(name: str, role: str | None = None, **flags: bool) -> Client:
    client = Client()
    client.force_login(user(name, role, **flags))
    return client


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    word = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {word}"}


def fill(store: StorageAdapter) -> None:
    trash = {**point("gone"), "trash": building()[0]["site"]}
    records = [*building(), point("n"), point("d", tz="Denver"), trash]
    store.load_entities(records, replace=True)


@pytest.fixture
def api(db: None) -> Api:
    """Requests of an ordinary user, on the default store with the building."""
    fill(storages["default"])
    return Api(logged_in("alice"))


@pytest.fixture
def staff(db: None) -> Api:
    fill(storages["default"])
    return Api(logged_in("boss", is_staff=True))


@pytest.fixture
def memory() -> Iterator[StorageAdapter]:
    """The store of the project ``memory``, empty before and after the test."""
    store = storages["memory"]
    store.load_entities([], replace=True)
    yield store
    store.load_entities([], replace=True)


@contextmanager
def served(
    http: Literal["auto", "h11", "httptools"] = "auto", application: Any = None
) -> Iterator[int]:
    """The whole server on a free port, which is what it yields."""
    if application is None:
        from project.asgi import application

    config = uvicorn.Config(
        application,
        port=0,
        lifespan="off",
        log_level="critical",
        access_log=False,
        http=http,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, "the server has started")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def scram_passwords(settings: Any) -> None:
    """SCRAM passwords with few iterations."""
    settings.PASSWORD_HASHERS = ["haystack_app.auth.hashers.ScramHasher"]
    settings.HAYSTACK = {**settings.HAYSTACK, "SCRAM_ITERATIONS": 4096}


@pytest.fixture
def live(transactional_db: None) -> Iterator[Callable[[], http.client.HTTPConnection]]:
    """The whole server; each call is a new connection to it."""
    fill(storages["default"])
    user("alice", is_staff=True)
    opened: list[http.client.HTTPConnection] = []
    with served() as port:

        def connect() -> http.client.HTTPConnection:
            opened.append(
                http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            )
            return opened[-1]

        yield connect
        for connection in opened:
            connection.close()
