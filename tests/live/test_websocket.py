"""The protocol of websockets, on a server with real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Event
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from websockets.exceptions import ConnectionClosed, InvalidStatus

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.live import connection, hub, signals
from haystack_app.live.delivery import Query
from haystack_app.models import GroupScope, Token
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from tests.live.conftest import Socket, api_token, ids_of
from tests.patience import PATIENCE, eventually

Open = Callable[..., Socket]
Session = Callable[[str], dict[str, str]]


def write(**values: float) -> None:
    store = storages["default"]
    store.cur_write({id: Current(Number(val)) for id, val in values.items()})


# -- watches -------------------------------------------------------------------


def test_a_watch_is_pushed(opened: Open) -> None:
    socket = opened()
    grid = socket.sub("b", "missing", "a")
    assert ids_of(grid) == ["b", None, "a"]
    assert socket.is_quiet()
    write(a=1, c=1)
    push = socket.pushed()
    assert ids_of(push) == ["a"]
    assert push.rows[0]["curVal"] == Number(1)
    assert push.meta == {"watchId": grid.meta["watchId"], "seq": Number(2)}
    assert socket.is_quiet()
    storages["default"].update_entities([{"id": Ref("b"), "dis": "B"}], force=True)
    assert ids_of(socket.pushed()) == ["b"]
    storages["default"].commit([], remove=["b"])
    push = socket.pushed()
    assert (ids_of(push), push.meta["gone"]) == ([], [Ref("b")])


def test_a_watch_by_filter_is_pushed(opened: Open) -> None:
    socket = opened()
    assert ids_of(socket.sub(filter="curVal > 5 and siteRef->site")) == []
    write(a=6, b=4)
    assert ids_of(socket.pushed()) == ["a"]
    write(a=3, b=7)
    push = socket.pushed()
    assert (ids_of(push), push.meta["gone"]) == (["b"], [Ref("a")])
    storages["default"].update_entities(
        [{"id": Ref("north"), "trash": MARKER}], force=True
    )
    assert socket.is_quiet()


def test_changes_within_a_moment_are_one_push(opened: Open, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "COALESCE_MS": 3_000}
    socket = opened()
    socket.sub("a", "b", "c")
    for val in range(20):
        write(a=val, b=val)
    values: dict[str, Any] = {}
    pushes = 0
    while values.get("b") != Number(19):
        values |= {row["id"].id: row["curVal"] for row in socket.pushed()}
        pushes += 1
    assert values == {"a": Number(19), "b": Number(19)}
    assert pushes < 10  # of writes that take a minute, if need be


def test_changes_after_unacknowledged_pushes_are_one_push(opened: Open) -> None:
    socket = opened()
    watch = socket.sub("a", "b").meta["watchId"]
    seen = 0
    for val in range(12):
        write(a=val)
        if not socket.is_quiet(0.5 if seen == 8 else PATIENCE):
            seen += 1
    assert seen == 8
    write(b=5)
    assert socket.is_quiet()
    socket.say(op="ack", watchId=watch, seq=9)
    push = socket.pushed()
    assert {row["id"].id: row["curVal"] for row in push} == {
        "a": Number(11),
        "b": Number(5),
    }
    write(a=100)
    assert ids_of(socket.pushed()) == ["a"]


def test_resume_sends_missed_updates(opened: Open) -> None:
    first = opened()
    watch = first.sub("a", "b", "c").meta["watchId"]
    write(a=1)
    arrived = int(first.pushed().meta["seq"].val)
    write(b=1)
    first.pushed(ack=False)  # it does not reach the client, say
    first.raw.close()
    write(c=1)
    second = opened()
    missed = second.grid("resume", watchId=watch, ack=arrived)
    assert sorted(ids_of(missed)) == ["b", "c"]
    second.say(op="ack", watchId=watch, seq=int(missed.meta["seq"].val))
    write(a=2)
    assert ids_of(second.pushed()) == ["a"]
    assert second.is_quiet()


def test_an_update_on_its_way_to_a_closed_connection_is_not_lost(
    opened: Open, monkeypatch: Any
) -> None:
    """Were the watch resumed before the store is asked, it would confirm the update."""
    first = opened()
    watch = first.sub("a").meta["watchId"]
    asked, may_go_on, texts = Event(), Event(), Query.texts

    def slow(self: Query, *args: Any) -> Any:
        asked.set()
        may_go_on.wait(PATIENCE)
        return texts(self, *args)

    monkeypatch.setattr(Query, "texts", slow)
    write(a=1)
    assert asked.wait(PATIENCE)
    first.raw.close()
    hubs = list(signals.hubs.values())
    eventually(lambda: not any(watch in hub.watches for hub in hubs), "it is closed")
    second = opened()
    second.say(op="resume", watchId=watch, ack=1)
    assert second.is_quiet()
    may_go_on.set()
    assert ids_of(second.receive()["grid"]) == ["a"]


def test_updates_go_to_the_last_session(opened: Open) -> None:
    first, second = opened(), opened()
    watch = first.sub("a").meta["watchId"]
    assert ids_of(second.grid("resume", watchId=watch, ack=1)) == []
    ended = first.receive()
    assert (ended["op"], ended["watchId"]) == ("end", watch)
    write(a=1)
    assert ids_of(second.pushed()) == ["a"]
    assert first.is_quiet()
    write(a=2)
    assert ids_of(second.pushed()) == ["a"]
    write(a=3)
    poll = Grid.of([], meta={"watchId": watch})
    assert ids_of(first.grid("watchPoll", grid=poll)) in (["a"], [])


def test_clients_that_disconnect_without_reading_are_released(opened: Open) -> None:
    socket = opened()
    socket.sub("a")
    for _ in range(30):
        socket.say(op="ping", ref="x" * 1_000_000)
    socket.raw.socket.shutdown(SHUT_RDWR)
    eventually(
        lambda: not any(one.members or one.watches for one in signals.hubs.values())
    )


def test_refresh_and_unsub(opened: Open) -> None:
    socket = opened()
    watch = socket.sub("a", "b").meta["watchId"]
    assert sorted(ids_of(socket.grid("refresh", watchId=watch))) == ["a", "b"]
    off = Grid.of([{"id": Ref("a")}], meta={"watchId": watch})
    assert not socket.grid("unsub", grid=off).is_error
    write(a=1, b=1)
    assert ids_of(socket.pushed()) == ["b"]
    assert ids_of(socket.sub("c", watchId=watch)) == ["c"]
    write(c=1)
    assert ids_of(socket.pushed()) == ["c"]
    close = Grid(meta={"watchId": watch, "close": MARKER})
    assert not socket.grid("unsub", grid=close).is_error
    write(b=2)
    assert socket.is_quiet()
    assert socket.grid("resume", watchId=watch, ack=1).is_error
    assert socket.grid("refresh", watchId=watch).is_error


def test_an_open_connection_keeps_its_lease(opened: Open) -> None:
    socket = opened()
    watch = socket.sub("a", lease=Number(0.1, "s")).meta["watchId"]
    time.sleep(4)
    write(a=1)
    assert ids_of(socket.pushed()) == ["a"]
    storages["default"].watch_close(watch)
    assert socket.receive()["op"] == "end"


def test_a_change_without_a_hint_is_found(opened: Open, settings: Any) -> None:
    from django.db import connection

    settings.HAYSTACK = {**settings.HAYSTACK, "CHECK_SECONDS": 1}
    socket = opened()
    socket.sub("a")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE entities SET cur = '{\"curVal\":5}' WHERE id = 'a'")
    assert socket.pushed().rows[0]["curVal"] == Number(5)


# -- ops -----------------------------------------------------------------------


def test_any_op_may_be_called(opened: Open) -> None:
    socket = opened()
    assert socket.grid("about").rows[0]["whoami"] == "alice"
    found = socket.grid("read", grid=Grid.of([{"filter": "point"}]))
    assert sorted(ids_of(found)) == ["a", "b", "c"]
    wrong = socket.grid("read", grid=Grid.of([{"filter": "point and"}]))
    assert wrong.is_error
    assert socket.ask("ping") == {"op": "pong", "ref": socket.refs}
    rows = [{"id": Ref("a"), "val": Number(3)}]
    assert not socket.grid("curWrite", grid=Grid.of(rows)).is_error
    assert storages["default"].existing("a")["curVal"] == Number(3)


@pytest.mark.parametrize(
    ("message", "status", "word"),
    [
        ("[]", 400, "object"),
        ("{", 400, ""),
        ('{"ref":1}', 400, "op"),
        ('{"op":"x","ref":[]}', 400, "ref"),
        ('{"op":"unknown","ref":1}', 404, "unknown op"),
        ('{"op":"read","grid":5}', 400, "grid"),
        ('{"op":"read","grid":{"_kind":"nope"}}', 400, "grid"),
        ('{"op":"resume","ack":1}', 400, "watchId"),
        ('{"op":"resume","watchId":"x","ack":-1}', 400, "ack"),
        ('{"op":"refresh"}', 400, "watchId"),
        ('{"op":"ack","seq":1}', 400, "watchId"),
        ('{"op":"auth","token":"x"}', 400, "already"),
        ("[" * 100_000, 400, ""),
        ('{"op":"\\ud800"}', 400, ""),
    ],
)
def test_invalid_messages_are_refused(
    opened: Open, message: str, status: int, word: str
) -> None:
    socket = opened()
    socket.raw.send(message)
    error = socket.receive()["error"]
    assert error["status"] == status
    assert word in error["dis"]
    assert socket.ask("ping")["op"] == "pong"


def test_a_binary_message_is_refused(opened: Open) -> None:
    socket = opened()
    socket.raw.send(b"\x00")
    assert socket.receive()["error"]["status"] == 400


def test_a_wrong_watch_is_an_error_grid(opened: Open) -> None:
    socket = opened()
    assert "not found" in socket.grid("resume", watchId="x", ack=1).meta["dis"]
    assert socket.grid("sub", grid=Grid()).is_error
    assert socket.sub(filter="point and").is_error
    watch = socket.sub("a").meta["watchId"]
    assert "has not sent" in socket.grid("resume", watchId=watch, ack=77).meta["dis"]


# -- permissions ---------------------------------------------------------------


def test_a_token_in_the_first_message(opened: Open) -> None:
    socket = opened(None)
    assert socket.ask("read")["error"]["status"] == 401
    answer = socket.ask("auth", token=api_token("alice"))
    assert answer["user"] == "alice"
    assert ids_of(socket.sub("a")) == ["a"]
    assert socket.ask("curWrite")["error"]["status"] == 403  # its scope is read


def test_a_wrong_token_ends_the_connection(opened: Open) -> None:
    socket = opened(None)
    assert socket.ask("auth", token="wrong")["error"]["status"] == 401
    assert socket.close_code() == 4401
    socket = opened(None, headers={"Authorization": "Bearer wrong"})
    assert socket.close_code() == 4401


@pytest.mark.parametrize(
    "wrong", ["Bearer wrong", "Basic x", "Negotiate abc", "scram data=x", "x", "BEARER"]
)
def test_a_wrong_header_is_refused_although_there_is_a_session(
    opened: Open, session: Session, server: int, wrong: str
) -> None:
    headers = {**session("alice"), "Authorization": wrong}
    own = f"http://127.0.0.1:{server}"
    for origin in (None, own):
        assert opened(None, headers=headers, origin=origin).close_code() == 4401


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "a/b; x*0=a; x*1*=b; x*=c; x=d"},
        {"Content-Type": "a/b; charset*=nosuch''a; charset=base64"},
        {"Accept": "text/zinc; x*0=a; x*=b", "Accept-Language": "*;q=x"},
        {"Cookie": 'sessionid="abcdefgh\\000ij"; csrftoken="\\000"'},
        {"X-Forwarded-For": ",,", "If-Match": "W/"},
    ],
)
def test_odd_headers_do_not_matter(opened: Open, headers: dict[str, str]) -> None:
    assert ids_of(opened(headers=headers).sub("a")) == ["a"]
    path = "/ws/?a=%ff&\u00e9"
    assert opened(None, path, headers=headers).ask("read")["error"]["status"] == 401


def test_connections_without_auth_are_closed(opened: Open, monkeypatch: Any) -> None:
    monkeypatch.setattr(connection, "AUTH_SECONDS", 0.2)
    assert opened(None).close_code() == 4408


def test_a_session_requires_an_own_page(
    opened: Open, session: Session, server: int, settings: Any
) -> None:
    headers = session("alice")
    own = f"http://127.0.0.1:{server}"
    assert ids_of(opened(None, headers=headers, origin=own).sub("a")) == ["a"]
    assert opened(None, headers=headers).ask("read")["error"]["status"] == 401
    for foreign in ("http://evil.example", f"http://127.0.0.1:{server + 1}", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            opened(None, headers=headers, origin=foreign)
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.panel.example"]
    origin = "https://one.panel.example"
    assert ids_of(opened(None, headers=headers, origin=origin).sub("a")) == ["a"]
    with pytest.raises(InvalidStatus, match="403"):
        opened("alice", origin="http://evil.example")


def test_a_page_over_http_is_foreign_to_a_secure_server(
    opened: Open, session: Session, server: int, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = session("alice") | {"X-Forwarded-Proto": "https"}
    own = f"https://127.0.0.1:{server}"
    assert ids_of(opened(None, headers=headers, origin=own).sub("a")) == ["a"]
    with pytest.raises(InvalidStatus, match="403"):
        opened(None, headers=headers, origin=f"http://127.0.0.1:{server}")


def test_long_messages_before_login_are_refused(opened: Open) -> None:
    socket = opened(None)
    socket.say(op="auth", token="x" * 20_000)
    assert socket.receive()["error"]["status"] == 413
    assert socket.ask("ping")["op"] == "pong"
    socket.say(op="auth", token="x" * 100_000)  # refused before it has arrived
    assert socket.close_code() == 1009


def test_packed_messages_before_login_count_unpacked(opened: Open) -> None:
    socket = opened(None)
    assert socket.raw.protocol.extensions, "the socket is not compressed"
    with suppress(ConnectionClosed):
        socket.raw.send("x" * 8_000_000)  # 8 kB on the wire
    assert socket.close_code() in (1009, 1006)


def test_parts_of_a_message_before_login_count_together(opened: Open) -> None:
    socket = opened(None)
    with suppress(ConnectionClosed):
        socket.raw.send(["x" * 10_000] * 10)
    # 1006: parts that the server did not read reset the connection
    assert socket.close_code() in (1009, 1006)


def test_long_messages_after_login(opened: Open) -> None:
    by_header, by_message = opened("vera"), opened(None)
    by_message.ask("auth", token=api_token("alice"))
    for socket in (by_header, by_message):
        # at once: nothing of it is lost while the login is being checked
        answer = socket.ask("read", grid=Grid.of([{"id": Ref(f"x{'x' * 90}")}] * 2_000))
        assert list(answer["grid"]) == []


def test_other_paths_and_projects(opened: Open) -> None:
    assert opened(path="/ws/nosuch/").close_code() == 4404
    assert opened(path="/ws").grid("about").rows[0]["storage"] == "OrmAdapter"
    assert (
        opened(path="/ws/memory/").grid("about").rows[0]["storage"] == "InMemoryAdapter"
    )
    with pytest.raises(InvalidStatus, match="403"):
        opened(path="/elsewhere")


def test_a_viewer_watches_and_writes_nothing(opened: Open) -> None:
    socket = opened("vera")
    assert ids_of(socket.sub("a")) == ["a"]
    for op in ("curWrite", "hisWrite", "commit", "load"):
        assert socket.ask(op)["error"]["status"] == 403
    rows = [{"id": Ref("a"), "level": Number(8), "val": Number(1)}]
    assert socket.ask("pointWrite", grid=Grid.of(rows))["error"]["status"] == 403
    write(a=1)
    assert ids_of(socket.pushed()) == ["a"]


def test_open_connections_follow_permissions_and_logins(
    opened: Open, monkeypatch: Any
) -> None:
    monkeypatch.setattr(hub, "RENEW_SECONDS", 1)
    renewed, renewals = hub.renewed, []
    monkeypatch.setattr(
        hub, "renewed", lambda logins: renewals.append(1) or renewed(logins)
    )
    socket, other = opened("vera"), opened("vera")
    watch = socket.sub("a", "b").meta["watchId"]
    group = Group.objects.create(name="only b")
    GroupScope.objects.create(group=group, filter="id == @b")
    vera = get_user_model().objects.get(username="vera")
    vera.groups.add(group)
    before = len(renewals)  # each is of some connections, one after another
    eventually(lambda: len(renewals) > before + 4, "log-ins are renewed")
    write(a=1, b=1)
    while (message := socket.receive())["op"] == "push":
        assert "a" not in ids_of(message["grid"])
    assert message["op"] == "end"
    assert socket.grid("resume", watchId=watch, ack=1).is_error
    assert ids_of(socket.sub("a", "b")) == [None, "b"]
    vera.is_active = False
    vera.save()
    assert socket.close_code() == 4401
    assert other.close_code() == 4401


def disabled(name: str) -> None:
    get_user_model().objects.filter(username=name).update(is_active=False)


def deleted(name: str) -> None:
    get_user_model().objects.get(username=name).delete()


def without_tokens(name: str) -> None:
    Token.objects.filter(user__username=name).delete()


def with_another_password(name: str) -> None:
    user = get_user_model().objects.get(username=name)
    user.set_password("another")
    user.save()


@pytest.mark.parametrize(
    "change", [disabled, deleted, without_tokens, with_another_password]
)
def test_connections_end_with_their_login(
    opened: Open, monkeypatch: Any, change: Callable[[str], None]
) -> None:
    """All at once, and not when it is their turn to be renewed; others stay."""
    monkeypatch.setattr(hub, "RENEW_SECONDS", 1_000)
    sockets = [opened("vera") for _ in range(3)]
    other = opened("alice")
    for socket in [*sockets, other]:
        socket.sub("a")
    change("vera")
    assert [socket.close_code() for socket in sockets] == [4401] * 3
    write(a=1)
    assert ids_of(other.pushed()) == ["a"]


def test_watches_end_with_the_permission(opened: Open, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub, "RENEW_SECONDS", 1)
    socket = opened("vera")
    watch = socket.sub("a").meta["watchId"]
    get_user_model().objects.get(username="vera").groups.clear()
    ended = socket.receive()
    assert (ended["op"], ended["watchId"]) == ("end", watch)
    write(a=1)
    assert socket.is_quiet()
    assert socket.ask("resume", watchId=watch, ack=1)["error"]["status"] == 403


def test_members_of_a_group_see_matching_entities(opened: Open) -> None:
    group = Group.objects.create(name="only b")
    GroupScope.objects.create(group=group, filter="id == @b")
    get_user_model().objects.get(username="vera").groups.add(group)
    socket = opened("vera")
    assert ids_of(socket.sub(filter="point")) == ["b"]
    write(a=1, b=1, c=1)
    assert ids_of(socket.pushed()) == ["b"]
    assert socket.is_quiet()


def test_close_ends_the_login(opened: Open) -> None:
    socket = opened()
    assert Token.objects.count() == 1
    assert not socket.grid("close").is_error
    assert Token.objects.count() == 0
    socket.say(op="read")
    assert socket.close_code() == 4401
