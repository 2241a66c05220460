"""The change log over HTTP, on a server with real sockets."""

from __future__ import annotations

import datetime as dt
import http.client
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.test import Client

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.live import change_stream, changes_reader, events_app, hub, sse
from haystack_app.models import GroupScope, Token
from haystack_app.sql.tables import CHANGES
from haystack_app.storage.handler import storages
from tests.api.conftest import basic, user
from tests.live.conftest import api_token
from tests.live.following import Stream, get, stream
from tests.patience import PATIENCE, eventually
from tests.storage.building import entity

_EVENT = b"event: change"
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


def add(*ids: str, alias: str = "default") -> None:
    storages[alias].load_entities([entity(id, dis=id) for id in ids], who="joe")


def prune() -> None:
    assert storages["default"].prune_changes(LATER)


def end_of(port: int, path: str = "/api/changes") -> str:
    status, body, _ = get(port, path=path)
    assert (status, body["changes"], body["more"]) == (200, [], False)
    cursor: str = body["cursor"]
    return cursor


class Later(threading.Thread):
    """A request that is waited for elsewhere."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.ask = ask
        self.found: Any = None
        self.start()

    def run(self) -> None:
        self.found = self.ask()

    def answer(self) -> Any:
        self.join(60)
        assert not self.is_alive()
        return self.found


# -- long-poll -----------------------------------------------------------------


def test_what_changed_since(server: int) -> None:
    begin = end_of(server)
    store = storages["default"]
    add("x")
    store.update_entities([{"id": Ref("x"), "dis": "X"}], force=True, who="ann")
    store.commit([], remove=["x"])
    status, body, headers = get(server, f"?since={begin}")
    assert status == 200
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache, no-store"
    first, second, third = body["changes"]
    assert (first["kind"], first["id"], first["who"]) == ("add", "x", "joe")
    assert first["before"] == first["after"] == {}
    assert (second["kind"], second["before"], second["after"], second["who"]) == (
        "update",
        {"dis": "x"},
        {"dis": "X"},
        "ann",
    )
    assert third["kind"] == "remove"
    assert third["before"]["id"] == {"_kind": "ref", "val": "x"}
    assert dt.datetime.fromisoformat(third["at"]).tzinfo is not None
    assert (body["cursor"], body["more"]) == (third["cursor"], False)
    middle = first["cursor"]
    assert get(server, f"?since={middle}")[1]["changes"] == [second, third]
    body = get(server, f"?since={begin}&limit=2")[1]
    assert (body["changes"], body["more"]) == ([first, second], True)
    assert get(server, f"?since={body['cursor']}&wait=0")[1]["changes"] == [third]
    assert get(server, f"?since={third['cursor']}&wait=0")[1]["changes"] == []


def test_a_change_ends_the_waiting(server: int) -> None:
    begin = end_of(server)
    waiting = [Later(lambda: get(server, f"?since={begin}")) for _ in range(3)]
    time.sleep(0.5)
    assert all(one.is_alive() for one in waiting)
    add("x")
    for one in waiting:
        status, body, _ = one.answer()
        assert (status, [change["id"] for change in body["changes"]]) == (200, ["x"])


def test_waiting_has_an_end(server: int) -> None:
    begin = end_of(server)
    status, body, _ = get(server, f"?since={begin}&wait=1")
    assert (status, body) == (
        200,
        {"changes": [], "cursor": begin, "more": False},
    )


def test_a_change_without_a_hint(server: int, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "CHECK_SECONDS": 0.5}
    begin = end_of(server)
    poll = Later(lambda: get(server, f"?since={begin}"))
    sse = stream(server)
    assert sse.begin() == begin
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {CHANGES} (at, who, entity_id, kind, before, after)"
            " VALUES ('2026-01-01 00:00:00', '', 'q', 'add', '{}', '{}')"
        )
    assert [one["id"] for one in poll.answer()[1]["changes"]] == ["q"]
    assert sse.take(1)[0].data["id"] == "q"
    sse.leave()


def test_a_large_entry_is_an_answer_of_its_own(server: int) -> None:
    begin = end_of(server)
    for id in ("big1", "big2"):
        storages["default"].load_entities([entity(id, text="x" * 700_000)])
        storages["default"].commit([], remove=[id])
    seen: list[tuple[str, str]] = []
    more = True
    while more:
        _, body, _ = get(server, f"?since={begin}&wait=0")
        assert len(body["changes"]) <= 3
        seen += [(one["kind"], one["id"]) for one in body["changes"]]
        begin, more = body["cursor"], body["more"]
    kinds = ("add", "remove")
    assert seen == [(kind, id) for id in ("big1", "big2") for kind in kinds]


# -- events --------------------------------------------------------------------


def test_events(server: int) -> None:
    begin = end_of(server)
    sse = stream(server)
    assert sse.begin() == begin
    add("x")
    add("y")
    got = sse.take(2)
    polled = get(server, f"?since={begin}")[1]["changes"]
    assert [one.data for one in got] == polled
    assert [one.id for one in got] == [one["cursor"] for one in polled]
    assert {one.name for one in got} == {"change"}
    sse.leave()
    add("z")
    again = stream(server, f"?since={begin}", Last_Event_ID=sse.last_id)
    assert [one.data["id"] for one in again.take(1)] == ["z"]
    from_begin = stream(server, f"?since={begin}")
    assert [one.data["id"] for one in from_begin.take(3)] == ["x", "y", "z"]
    for one in (again, from_begin):
        one.leave()


def test_events_by_query_parameter(server: int) -> None:
    one = stream(server, "?stream=true", Accept="*/*")
    add("x")
    assert one.take(1)[0].data["id"] == "x"
    one.leave()


def test_a_heartbeat(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.2)
    one = stream(server)
    one.begin()
    while one.comments < 3:
        assert one.answer.readline() in (b":\n", b"\n")
        one.comments += 1
    one.leave()


def test_of_another_project(server: int) -> None:
    store = storages["memory"]
    begin = get(server, path="/api/memory/changes/")[1]["cursor"]
    one = stream(server, path="/api/memory/changes")
    assert one.begin() == begin
    poll = Later(lambda: get(server, f"?since={begin}", path="/api/memory/changes"))
    add("not-here")
    try:
        store.load_entities([entity("here")])
        assert one.take(1)[0].data["id"] == "here"
        [change] = poll.answer()[1]["changes"]
        assert change["id"] == "here"
    finally:
        store.load_entities([], replace=True)
        one.leave()


def test_http_1_0_clients_get_events_in_one_response(server: int) -> None:
    begin = end_of(server)
    add("x")
    head = "\r\n".join(
        [
            f"GET /api/changes?since={begin}&stream=true HTTP/1.0",
            "Host: localhost",
            f"Authorization: {basic('alice')['Authorization']}",
        ]
    )
    with socket.create_connection(("127.0.0.1", server), 30) as peer:
        peer.sendall(f"{head}\r\n\r\n".encode())
        data = b""
        while piece := peer.recv(65_536):
            data += piece
    head_sent, _, body = data.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head_sent.lower()
    assert b"chunked" not in head_sent
    assert b"event: change\ndata: {" in body


# -- invalid cursors -----------------------------------------------------------


def test_a_cursor_that_is_too_old(server: int) -> None:
    begin = end_of(server)
    add("x", "y")
    prune()
    end = end_of(server)
    for query in (f"?since={begin}", f"?since={begin}&stream=true"):
        status, body, _ = get(server, query)
        assert (status, body["status"], body["oldest"]) == (410, 410, end)
        assert "too old" in body["dis"]
    status, body, _ = get(server, f"?since={int(end) + 1}")
    assert (status, body["oldest"]) == (410, end)
    assert "another log" in body["dis"]
    assert get(server, f"?since={end}&wait=0")[0] == 200


@pytest.mark.parametrize("word", ["", "x", "-1", "1.5", "%FF", "1" * 41, "²", "%00"])
def test_invalid_cursors(server: int, word: str) -> None:
    status, body, _ = get(server, f"?since={quote(word, safe='%')}")
    assert (status, body["status"]) == (400, 400)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "wait=-1", "wait=x", "wait=1.5", "stream=yes"]
)
def test_invalid_parameters(server: int, query: str) -> None:
    status, body, _ = get(server, f"?since=0&{query}")
    assert status == 400
    assert query.partition("=")[0] in body["dis"]


def test_a_stream_ends_when_its_entries_are_pruned(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stream(server)
    one.begin()
    # it sleeps until there is something, which then is gone again
    with transaction.atomic():
        add("x")
        prune()
    *_, last = list(one)
    assert (last.name, last.data["status"]) == ("end", 410)
    assert last.data["oldest"] == end_of(server)


# -- who may -------------------------------------------------------------------


def test_permissions(server: int) -> None:
    user("stranger", "")
    assert get(server, name="vera")[0] == 200
    assert get(server, name="stranger")[0] == 403
    status, body, headers = get(server, name=None)
    assert (status, body["status"]) == (401, 401)
    assert headers["WWW-Authenticate"].startswith("scram ")
    assert get(server, name=None, Authorization="Bearer wrong")[0] == 401
    read = {"Authorization": f"Bearer {api_token('alice', Token.READ)}"}
    assert get(server, name=None, **read)[0] == 200
    client = Client()
    client.force_login(get_user_model().objects.get(username="alice"))
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    assert get(server, name=None, Cookie=cookie)[0] == 200
    assert get(server, path="/api/nowhere/changes")[0] == 404


def test_a_handshake_begins_here_too(server: int) -> None:
    status, _, headers = get(server, name=None, Authorization="HELLO username=YQ")
    assert status == 401
    assert "handshakeToken=" in headers["WWW-Authenticate"]


def test_users_with_a_filter_may_not_follow(server: int) -> None:
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter="site")
    get_user_model().objects.get(username="vera").groups.add(group)
    for query in ("", "?since=0", "?stream=true"):
        status, body, _ = get(server, query, name="vera")
        assert status == 403
        assert "no filter" in body["dis"]


def test_methods_and_types(server: int) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for name in ("alice", "vera", None):
            status, body, headers = get(server, method=method, name=name)
            assert (status, body["status"]) == (405, 405)
            assert headers["Allow"] == "GET, HEAD, OPTIONS"
    assert get(server, method="OPTIONS")[0] == 200
    for accept in ("application/json", "text/event-stream"):
        status, body, headers = get(server, method="HEAD", Accept=accept)
        assert (status, body) == (200, None)
        assert headers["Content-Type"].startswith(accept)
    assert get(server, Accept="text/zinc")[0] == 406
    assert get(server, Accept="text/*;q=0, */*")[0] == 200
    assert get(server, Accept="text/html, */*;q=0.1")[0] == 200
    _, _, headers = get(server)
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_too_many_requests(server: int, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": {"USER": 2}}
    answers = [get(server) for _ in range(6)]  # also where a minute ends between
    refused = [one for one in answers if one[0] == 429]
    assert refused
    for _, body, headers in refused:
        assert body["status"] == 429
        assert int(headers["Retry-After"]) <= 60


def test_a_login_that_ends(server: int) -> None:
    headers = {"Authorization": f"Bearer {api_token('alice')}"}
    one = stream(server, name=None, **headers)
    one.begin()
    begin = end_of(server)
    poll = Later(lambda: get(server, f"?since={begin}", name=None, **headers))
    time.sleep(0.5)
    Token.objects.all().delete()
    *_, last = list(one)
    assert (last.name, last.data["status"]) == ("end", 401)
    add("secret")
    assert poll.answer()[0] == 401


def test_a_filter_that_comes_later(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RENEW_SECONDS", 1)
    one = stream(server, name="vera")
    one.begin()
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter="site")
    get_user_model().objects.get(username="vera").groups.add(group)
    *_, last = list(one)
    assert (last.name, last.data["status"]) == ("end", 403)


# -- many, slow, gone ----------------------------------------------------------


class Undone(Exception):
    pass


def write(number: int, kept: list[str], alias: str) -> None:
    """Commits, some of which are undone."""
    lot = random.Random(number)
    try:
        for turn in range(15):
            id = f"w{number}.{turn}"
            try:
                with transaction.atomic(using=alias):
                    add(id, alias=alias)
                    if lot.random() < 0.3:
                        raise Undone
            except Undone:
                continue
            kept.append(id)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_nothing_is_missed_beside_writers(
    alias: str, server: int, settings: Any
) -> None:
    """By events with broken connections, and by polls, without duplicates."""
    if alias in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    path = f"/api/{alias}/changes"
    begin = end_of(server, path)
    kept: list[list[str]] = [[] for _ in range(8)]
    writers = [Later(lambda n=n: write(n, kept[n], alias)) for n in range(8)]  # type: ignore[misc]
    over = threading.Event()

    def by_polls() -> list[str]:
        found: list[str] = []
        cursor = begin
        while True:
            last = over.is_set()
            body = get(server, f"?since={cursor}&limit=7&wait=1", path=path)[1]
            found += [one["id"] for one in body["changes"]]
            cursor = body["cursor"]
            if last and not body["changes"]:
                return found

    def by_events() -> list[str]:
        found: list[str] = []
        one = stream(server, f"?since={begin}", path=path)
        for count in range(1, 1_000):
            [event] = one.take(1)
            if event.data["id"] == "the-end":
                one.leave()
                return found
            found.append(event.data["id"])
            if count % 11 == 0:
                one.leave()
                one = stream(server, path=path, Last_Event_ID=one.last_id)
        raise AssertionError("too many")

    followers = [Later(by_polls), Later(by_events), Later(by_events)]
    for writer in writers:
        writer.answer()
    wanted = sorted(id for own in kept for id in own)
    over.set()
    polled = followers[0].answer()
    add("the-end", alias=alias)
    assert len(wanted) > 50
    assert sorted(polled) == wanted
    assert followers[1].answer() == polled
    assert followers[2].answer() == polled


def test_many_idle_followers_hold_no_thread(server: int) -> None:
    begin = end_of(server)
    followers = [stream(server) for _ in range(100)]
    for one in followers:
        assert one.begin() == begin
    polls = [_asked(server, begin) for _ in range(100)]
    before = threading.active_count()
    assert len(followers) + len(polls) > before * 2
    for _ in range(30):
        assert get(server, path="/api/about", Accept="application/json")[0] == 200
    assert threading.active_count() <= before + 30
    add("x")
    for one in followers:
        assert one.take(1)[0].data["id"] == "x"
        one.leave()
    for peer in polls:
        answer = peer.getresponse()
        assert answer.status == 200
        assert b'"id":"x"' in answer.read()
        peer.close()


def _asked(port: int, since: str) -> Any:
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    peer.request("GET", f"/api/changes?since={since}&wait=60", headers=basic("alice"))
    return peer


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The number of requests to the change log that are being answered."""
    inside: list[Any] = []
    answer = events_app.EventsApp._answer

    async def counted(self: Any, scope: Any, send: Any) -> None:
        inside.append(send)
        try:
            await answer(self, scope, send)
        finally:
            inside.remove(send)

    monkeypatch.setattr(events_app.EventsApp, "_answer", counted)
    return lambda: len(inside)


def test_disconnected_clients_are_released_at_once(
    server: int, running: Callable[[], int]
) -> None:
    begin = end_of(server)
    followers: list[Stream] = [stream(server) for _ in range(5)]
    polls = [_asked(server, begin) for _ in range(5)]
    eventually(lambda: running() == 10)
    for one in followers:
        one.leave()
    for peer in polls:
        peer.close()
    eventually(lambda: running() == 0)
    eventually(lambda: changes_reader._reads == {})


def remove_big(count: int) -> None:
    """Entries of 100 KB each, and as many short ones."""
    text = "x" * 100_000
    for start in range(0, count, 10):
        ids = [f"big{start + number}" for number in range(10)]
        storages["default"].load_entities([entity(id, text=text) for id in ids])
        storages["default"].commit([], remove=ids)


def lazy(port: int, begin: str) -> socket.socket:
    """A follower that does not read yet."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    peer.settimeout(30)
    peer.connect(("127.0.0.1", port))
    lines = [
        f"GET /api/changes?since={begin}&stream=true HTTP/1.1",
        "Host: localhost",
        f"Authorization: {basic('alice')['Authorization']}",
    ]
    peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return peer


def test_a_slow_client_takes_no_memory(
    server: int, monkeypatch: pytest.MonkeyPatch, running: Callable[[], int]
) -> None:
    """The log is read as the client takes it: a few pages ahead, never all of it."""
    begin = end_of(server)
    remove_big(300)
    sent = [0]
    say = change_stream.ChangeStream._send_text

    async def counted(self: Any, text: str) -> None:
        sent[0] += len(text)
        await say(self, text)

    monkeypatch.setattr(change_stream.ChangeStream, "_send_text", counted)
    peer = lazy(server, begin)
    eventually(lambda: sent[0] > 100_000)
    before = -1
    while sent[0] != before:  # until it stands still
        before = sent[0]
        time.sleep(1)
    assert sent[0] < 12_000_000
    count, tail = 0, b""
    while count < 600:
        piece = peer.recv(1_000_000)
        count += (tail + piece).count(_EVENT) - tail.count(_EVENT)
        tail = (tail + piece)[1 - len(_EVENT) :]
    assert running() == 1
    peer.close()
    eventually(lambda: running() == 0)


def test_clients_that_do_not_read_are_disconnected(
    server: int,
    monkeypatch: pytest.MonkeyPatch,
    running: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(
        events_app,
        "ChangeStream",
        lambda scope, response, start, patience: change_stream.ChangeStream(
            scope, response, start, 0.5
        ),
    )
    begin = end_of(server)
    remove_big(100)
    peer = lazy(server, begin)
    eventually(lambda: "nothing read for 0.5 s" in caplog.text)
    eventually(lambda: running() == 0)
    peer.close()


def test_without_asgi_it_does_not_wait(server: int) -> None:
    """What ``project/wsgi.py`` answers."""
    begin = end_of(server)
    client = Client()
    client.force_login(get_user_model().objects.get(username="alice"))
    answer = client.get(f"/api/changes?since={begin}")
    assert answer.json() == {"changes": [], "cursor": begin, "more": False}
    storages["default"].update_entities(
        [{"id": Ref("a"), "area": Number(1), "big": MARKER}], force=True
    )
    [change] = client.get(f"/api/changes?since={begin}").json()["changes"]
    assert change["after"] == {"area": 1, "big": {"_kind": "marker"}}
    answer = client.get("/api/changes", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["status"]) == (501, 501)
