"""What a full, read-only or exhausted database is answered with, in every way in.

The errors are the drivers', raised where Django runs statements: a server that really
has no memory left is not to be had in a test.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import InternalError, OperationalError
from django.db.backends.utils import CursorWrapper
from websockets.sync.client import ClientConnection, connect

from haystack_app.auth import logins
from haystack_app.kinds import Grid, Ref
from haystack_app.models import Token
from haystack_app.storage import signals
from haystack_app.storage.handler import storages
from tests.api.conftest import basic, served, user
from tests.live.conftest import Socket, api_token, fill, ids_of
from tests.patience import PATIENCE

WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


@dataclass
class Fault:
    """An error of a driver, of all statements or of those that write."""

    make: Callable[[], Exception]
    status: int
    words: str
    writes_only: bool = False
    wrapper: type[Exception] = OperationalError
    is_on: bool = False

    def check(self, sql: Any) -> None:
        begin = str(sql).lstrip().upper()
        if not self.is_on or begin.startswith(("ROLLBACK", "RELEASE", "SAVEPOINT")):
            return
        if self.writes_only and not begin.startswith(WRITES):
            return
        raise self.wrapper("it failed") from self.make()


def state(code: str) -> Callable[[], Exception]:
    return lambda: psycopg.errors.lookup(code)("text with secret")


def sqlite(name: str) -> Callable[[], Exception]:
    def make() -> Exception:
        error = sqlite3.OperationalError("text with secret")
        error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
        return error

    return make


FAULTS = {
    "out of memory": lambda: Fault(state("53200"), 503, "out of memory: try again"),
    "no connections": lambda: Fault(state("53300"), 503, "try again in 5 s"),
    "replica": lambda: Fault(
        state("25006"), 503, "cannot be written", True, InternalError
    ),
    "full disk": lambda: Fault(state("53100"), 507, "full", True),
    "full SQLite": lambda: Fault(sqlite("SQLITE_FULL"), 507, "full", True),
    "read-only SQLite": lambda: Fault(
        sqlite("SQLITE_READONLY_DIRECTORY"), 503, "cannot be written", True
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fault:
    made = FAULTS[request.param]()
    for name in ("_execute", "_executemany"):
        real = getattr(CursorWrapper, name)

        def execute(self: Any, sql: Any, *args: Any, real: Any = real) -> Any:
            made.check(sql)
            return real(self, sql, *args)

        monkeypatch.setattr(CursorWrapper, name, execute)
    return made


@dataclass
class Answer:
    status: int
    headers: Any
    text: str
    cookies: dict[str, str]


class Client:
    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    def ask(
        self, path: str, body: str | None = None, method: str = "", **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        method = method or ("GET" if body is None else "POST")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if not headers.keys() & {"Authorization", "Cookie"}:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers.setdefault("Content-Type", "text/zinc")
        connection.request(method, path, body, headers)
        got = connection.getresponse()
        text = got.read().decode()
        cookies = {
            name: value.partition(";")[0]
            for name, _, value in (
                one.partition("=") for one in got.headers.get_all("Set-Cookie") or []
            )
        }
        connection.close()
        return Answer(got.status, got.headers, text, cookies)

    def log_in(self, page: str, token: str) -> Answer:
        """By a form, as a browser does."""
        data = {
            "csrfmiddlewaretoken": token,
            "username": "alice",
            "password": "correct horse",
        }
        return self.ask(
            page,
            urlencode(data),
            Cookie=f"csrftoken={token}",
            Content_Type="application/x-www-form-urlencoded",
        )


@pytest.fixture
def client(fault: Fault, transactional_db: None, settings: Any) -> Iterator[Client]:
    settings.PASSWORD_HASHERS = ["haystack_app.auth.hashers.ScramHasher"]
    limits = {"THROTTLE": None, "SCRAM_ITERATIONS": 4096}
    settings.HAYSTACK = {**settings.HAYSTACK, **limits}
    fill(storages["default"])
    user("alice", is_staff=True, is_superuser=True)
    token = api_token("alice", Token.ADMIN)
    with served() as port:
        made = Client(port, token)
        yield made
        fault.is_on = False


JSON = {"Content_Type": "application/json"}
GRID = 'ver:"3.0"'
SAMPLE = "2024-01-01T00:00:00-05:00 New_York,1"
READS: dict[str, Callable[[Client], Answer]] = {
    "op": lambda at: at.ask("/api/read?filter=site"),
    "op as JSON": lambda at: at.ask("/api/read?filter=site", Accept="application/json"),
    "hisRead": lambda at: at.ask("/api/hisRead?id=@a&range=2024"),
    "REST": lambda at: at.ask("/api/entities/"),
    "entity": lambda at: at.ask("/api/entities/a/"),
    "users": lambda at: at.ask("/api/users/"),
    "jobs": lambda at: at.ask("/api/jobs/"),
    "job events": lambda at: at.ask("/api/jobs/1/events/"),
    "changes": lambda at: at.ask("/api/changes"),
    "change events": lambda at: at.ask("/api/changes", Accept="text/event-stream"),
    "long poll": lambda at: at.ask("/api/changes?wait=5"),
    "history": lambda at: at.ask("/api/history/?ids=a&range=2024"),
    "Basic": lambda at: at.ask("/api/about", **basic("alice")),
    "session": lambda at: at.ask(
        "/api/about", Cookie="sessionid=abcdefghijklmnopqrstuvwxyz012345"
    ),
    "front page": lambda at: at.ask("/", Cookie="sessionid=" + "b" * 32),
    "explorer": lambda at: at.ask("/explore/", Cookie="sessionid=" + "c" * 32),
    "admin": lambda at: at.ask("/admin/", Cookie="sessionid=" + "d" * 32),
}

FORMS = ("/log-in/", "/admin/login/")
WRITE_CALLS: dict[str, Callable[[Client], Answer]] = {
    "load": lambda at: at.ask("/api/load", f'{GRID}\nid,dis\n@n1,"n"\n'),
    "job": lambda at: at.ask("/api/load?job=true", f'{GRID}\nid,dis\n@n1,"n"\n'),
    "commit": lambda at: at.ask(
        "/api/commit", f'{GRID} commit:"add"\nid,dis\n@n2,"n"\n'
    ),
    "hisWrite": lambda at: at.ask("/api/hisWrite", f"{GRID} id:@a\nts,val\n{SAMPLE}\n"),
    "curWrite": lambda at: at.ask("/api/curWrite", f"{GRID}\nid,val\n@a,1\n"),
    "watchSub": lambda at: at.ask("/api/watchSub", f'{GRID} watchDis:"w"\nid\n@a\n'),
    "REST post": lambda at: at.ask("/api/entities/", '{"dis":"x"}', **JSON),
    "REST patch": lambda at: at.ask(
        "/api/entities/a/", '{"dis":"x"}', "PATCH", If_Match="*", **JSON
    ),
    "REST delete": lambda at: at.ask("/api/entities/c/", method="DELETE", If_Match="*"),
    "user": lambda at: at.ask(
        "/api/users/", '{"username":"bob","password":"correct horse x9"}', **JSON
    ),
    "SCRAM": lambda at: at.ask("/api/about", Authorization="HELLO username=YWxpY2U"),
}


def test_requests(client: Client, fault: Fault) -> None:
    tokens = {page: client.ask(page, Cookie="a=b").cookies for page in FORMS}
    calls = WRITE_CALLS if fault.writes_only else {**READS, **WRITE_CALLS}
    logins.forget()
    fault.is_on = True
    answers = {name: call(client) for name, call in calls.items()}
    for page, cookies in tokens.items():
        answers[page] = client.log_in(page, cookies["csrftoken"])
    for name, answer in answers.items():
        assert answer.status == fault.status, (name, answer)
        assert answer.headers["Retry-After"] == "5", name
        assert fault.words in answer.text, (name, answer.text)
        assert "secret" not in answer.text, name
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in ("text/zinc", "application/json"), (name, kind)
    fault.is_on = False
    assert client.ask("/api/read?filter=site").status == 200
    for page, cookies in tokens.items():
        assert client.log_in(page, cookies["csrftoken"]).status == 302


def test_websockets(client: Client, fault: Fault) -> None:
    site = Grid.of([{"filter": "site"}])
    with opened(client, token=True) as raw, opened(client) as other:
        socket = Socket(raw)
        assert socket.sub("a")
        logins.forget()
        fault.is_on = True
        refused = {
            "load": Grid.of([{"id": Ref("q"), "dis": "q"}]),
            "sub": Grid.of([{"id": Ref("a")}], meta={"watchDis": "w"}),
        }
        if not fault.writes_only:
            refused["read"] = site
        for op, grid in refused.items():
            error = socket.ask(op, grid=grid)["error"]
            assert (error["status"], fault.words in error["dis"]) == (
                fault.status,
                True,
            ), error
        if fault.writes_only:
            assert ids_of(socket.grid("read", grid=site)) == ["north"]
            with opened(client, token=True) as late:
                assert Socket(late).ask("ping")["op"] == "pong"
        else:
            with opened(client, token=True) as late:
                assert Socket(late).close_code() == 1013
                assert late.close_reason and fault.words in late.close_reason
            error = Socket(other).ask("auth", token=client.token)["error"]
            assert error["status"] == fault.status
        fault.is_on = False
        assert ids_of(socket.grid("read", grid=site)) == ["north"]
        storages["default"].update_transient(
            [{"id": Ref("a"), "curErr": "x"}], force=True
        )
        assert [row["curErr"] for row in socket.pushed()] == ["x"]


def opened(client: Client, *, token: bool = False) -> ClientConnection:
    headers = {"Authorization": f"Bearer {client.token}"} if token else {}
    url = f"ws://127.0.0.1:{client.port}/ws/"
    return connect(url, additional_headers=headers)


@pytest.mark.parametrize("fault", ["out of memory", "no connections"], indirect=True)
def test_an_event_stream_says_why_it_ends(client: Client, fault: Fault) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=PATIENCE)
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Accept": "text/event-stream",
    }
    connection.request("GET", "/api/changes", headers=headers)
    stream = connection.getresponse()
    assert stream.status == 200
    while not (line := stream.readline()).startswith(b"id:"):
        assert line
    fault.is_on = True
    signals.announce("default", ["a"], logged=True)
    while not (line := stream.readline()).startswith(b"event: end"):
        assert line
    data = json.loads(stream.readline().partition(b"data: ")[2])
    assert data["status"] == 503
    assert "connect again" in data["dis"]
    connection.close()
