"""The ops of watches over HTTP: grids, leases, caps and permissions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.auth import tokens
from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import GroupScope, Token
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer, zinc_writer
from tests.api.conftest import Api, fill, grid_of, logged_in, user
from tests.defects.building import at, point

JSON, ZINC = "application/json", "text/zinc"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
WRITERS = {JSON: hayson_writer.grid_text, ZINC: zinc_writer.grid_text}


@pytest.fixture(params=["default", "memory"])
def store(request: pytest.FixtureRequest, db: None) -> Iterator[StorageAdapter]:
    """The building, and points that may be written: in a database, and in memory."""
    found = storages[request.param]
    fill(found)
    cur = {"cur": MARKER, "unit": "°F", "siteRef": Ref("s1")}
    found.load_entities([point("c1", **cur), point("c2", writable=MARKER, **cur)])
    yield found
    if request.param == "memory":
        found.load_entities([], replace=True)


@pytest.fixture
def api(store: StorageAdapter) -> Api:
    return of(store, logged_in("alice", "viewer"))


def of(store: StorageAdapter, client: Client) -> Api:
    return Api(client, "" if store.alias == "default" else store.alias)


class Bearer(Client):
    """A program with an API token."""

    def __init__(self, who: Any, scope: str) -> None:
        token = Token(user=who, name=scope, scope=scope)
        secret = tokens.create_secret(token)
        token.save()
        super().__init__(headers={"Authorization": f"Bearer {secret}"})


def request_of(*ids: str, **meta: Any) -> Grid:
    if not ids:
        return Grid(meta=meta)
    return Grid.of([{"id": Ref(id)} for id in ids], meta=meta)


def ask(api: Api, op: str, *ids: str, form: str = ZINC, **meta: Any) -> Grid:
    body = WRITERS[form](request_of(*ids, **meta))
    response = api.post(op, body, form, accept=form)
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith(form)
    grid = grid_of(response)
    assert not grid.is_error, grid.meta
    return grid


def refusal(api: Api, op: str, *ids: str, **meta: Any) -> str:
    return api.error(api.post(op, request_of(*ids, **meta)))


def opened(api: Api, *ids: str, **meta: Any) -> str:
    return str(ask(api, "watchSub", *ids, watchDis="t", **meta).meta["watchId"])


def ids(grid: Grid) -> list[str | None]:
    return [row["id"].id if row else None for row in grid]


def told(api: Api, id: str, **meta: Any) -> tuple[list[Any], list[str]]:
    """Ids that a poll answers, and those that are gone."""
    answer = ask(api, "watchPoll", watchId=id, **meta)
    return sorted(ids(answer), key=str), [ref.id for ref in answer.meta.get("gone", [])]


def open_watches(store: StorageAdapter) -> int:
    return store.watch_count("alice", dt.datetime.now(dt.UTC))


def show(store: StorageAdapter, *ids: str, val: float = 1) -> None:
    store.cur_write({id: Current(Number(val)) for id in ids})


# -- answers ------------------------------------------------------------------------


@pytest.mark.parametrize("form", [ZINC, JSON])
def test_rows_are_those_asked_for(api: Api, form: str) -> None:
    asked = ("c2", "nope", "c1", "c2", "gone")  # the last one is in the trash
    answer = ask(api, "watchSub", *asked, form=form, watchDis="t")
    assert ids(answer) == ["c2", None, "c1", "c2", None]
    assert answer.meta["lease"] == Number(60, "s")
    assert isinstance(answer.meta["watchId"], str)


@pytest.mark.parametrize("form", [ZINC, JSON])
def test_if_none_is_there_one_column_has_null_rows(api: Api, form: str) -> None:
    answer = ask(api, "watchSub", "nope", "missing", form=form, watchDis="t")
    assert answer.names == ["id"]
    assert ids(answer) == [None, None]
    assert told(api, answer.meta["watchId"]) == ([], [])


@pytest.mark.parametrize("form", ["text/csv", "text/trio"])
def test_watch_sub_requires_a_format_with_meta(
    api: Api, store: StorageAdapter, form: str
) -> None:
    before = open_watches(store)
    answer = api.post("watchSub", request_of("c1", watchDis="t"), accept=form)
    assert answer.status_code == 200
    assert "the answer of watchSub requires meta" in answer.content.decode()
    assert open_watches(store) == before
    id = opened(api, "c1")
    show(store, "c1")
    answer = api.post("watchPoll", request_of(watchId=id), accept=form)
    assert "@c1" in answer.content.decode()


@pytest.mark.parametrize("form", [ZINC, JSON])
def test_a_poll_has_whole_records_once(
    api: Api, store: StorageAdapter, form: str
) -> None:
    id = opened(api, "c1", "c2")
    show(store, "c1", val=70)
    show(store, "c1", val=71)
    answer = ask(api, "watchPoll", form=form, watchId=id)
    assert [dict(row) for row in answer] == [store.existing("c1").tags]
    assert answer.meta["watchId"] == id
    idle = ask(api, "watchPoll", form=form, watchId=id)
    assert (list(idle), idle.names) == ([], ["empty"])
    assert idle.meta["watchId"] == id
    assert told(api, id, refresh=MARKER) == (["c1", "c2"], [])


def test_adding_and_dropping(api: Api, store: StorageAdapter) -> None:
    id = opened(api)
    added = ask(api, "watchSub", "c1", "p1", watchId=id)
    assert ids(added) == ["c1", "p1"] and added.meta["watchId"] == id
    assert added.meta["lease"] == Number(60, "s")
    ask(api, "watchSub", "c1", watchId=id)
    dropped = ask(api, "watchUnsub", "p1", "missing", watchId=id)
    assert (list(dropped), dropped.names) == ([], ["empty"])
    assert told(api, id, refresh=MARKER) == (["c1"], [])


def test_removed_entities_are_gone(api: Api, store: StorageAdapter) -> None:
    id = opened(api, "c1", "c2")
    store.commit([], remove=["c1"])
    store.update_entities([{"id": Ref("c2"), "trash": MARKER}], force=True)
    assert told(api, id) == ([], ["c1", "c2"])
    assert told(api, id) == told(api, id, refresh=MARKER) == ([], [])


def test_a_filter_is_watched(api: Api, store: StorageAdapter) -> None:
    answer = ask(api, "watchSub", watchDis="t", filter="curVal > 72°F")
    id = answer.meta["watchId"]
    assert ids(answer) == []
    assert answer.meta["lease"] == Number(60, "s")
    show(store, "c1", val=71)
    show(store, "c2", val=73)
    assert told(api, id) == (["c2"], [])
    show(store, "c1", val=74)
    show(store, "c2", val=72)
    assert told(api, id) == (["c1"], ["c2"])
    assert told(api, id, refresh=MARKER) == (["c1"], [])
    all_points = ask(api, "watchSub", watchDis="t", filter="point and cur")
    assert sorted(ids(all_points), key=str) == ["c1", "c2"]


def test_a_lost_answer_is_repeated(api: Api, store: StorageAdapter) -> None:
    id = opened(api, "c1", "c2")
    show(store, "c1")
    first = ask(api, "watchPoll", watchId=id)
    show(store, "c2")
    lost = ask(api, "watchPoll", watchId=id)
    assert ids(lost) == ["c2"]
    assert lost.meta["seq"] == Number(first.meta["seq"].val + 1)
    assert told(api, id, ack=first.meta["seq"]) == (["c2"], [])
    again = ask(api, "watchPoll", watchId=id)
    assert told(api, id, ack=again.meta["seq"]) == ([], [])


# -- what is refused ----------------------------------------------------------------


def test_unknown_watch(api: Api, store: StorageAdapter) -> None:
    closed = opened(api, "c1")
    answer = ask(api, "watchUnsub", watchId=closed, close=MARKER)
    assert (list(answer), answer.names) == ([], ["empty"])
    for id in (closed, "hijack", "", "\0", "a" * 100):
        assert "open a new one" in refusal(api, "watchPoll", watchId=id)
        assert "open a new one" in refusal(api, "watchSub", "c1", watchId=id)
        for more in ({}, {"close": MARKER}):
            answer = ask(api, "watchUnsub", "c1", watchId=id, **more)
            assert (list(answer), answer.names) == ([], ["empty"])


@pytest.mark.parametrize(
    ("op", "meta", "why"),
    [
        ("watchPoll", {}, "missing meta watchId"),
        ("watchUnsub", {}, "missing meta watchId"),
        ("watchPoll", {"watchId": Number(5)}, "meta watchId must be a Str"),
        ("watchUnsub", {"watchId": Ref("a")}, "meta watchId must be a Str"),
        ("watchSub", {}, "missing meta watchDis"),
        ("watchSub", {"watchDis": MARKER}, "meta watchDis must be a Str"),
        ("watchSub", {"watchDis": "a\0b"}, "watchDis: U+0000"),
        ("watchSub", {"watchDis": "t", "lease": Number(60)}, "unit of time"),
        ("watchSub", {"watchDis": "t", "lease": Number(60, "kW")}, "unit of time"),
        ("watchSub", {"watchDis": "t", "lease": Number(float("inf"))}, "unit of time"),
        ("watchSub", {"watchDis": "t", "lease": "1min"}, "unit of time"),
        ("watchSub", {"watchDis": "t", "lease": Number(0, "s")}, "must be positive"),
        ("watchSub", {"watchDis": "t", "lease": Number(-1, "s")}, "must be positive"),
        ("watchSub", {"watchDis": "t", "filter": "point and"}, "cut short"),
        ("watchSub", {"watchDis": "t", "filter": Number(5)}, "filter must be a Str"),
    ],
)
def test_bad_meta(api: Api, op: str, meta: dict[str, Any], why: str) -> None:
    assert why in refusal(api, op, "c1", **meta)


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"ack": Number(99)}, "has not sent update number 99"),
        ({"ack": Number(-1)}, "has not sent update number -1"),
        ({"ack": Number(1.5)}, "ack must be a whole number"),
        ({"ack": Number(1, "s")}, "ack must be a whole number"),
        ({"ack": Number(float("inf"))}, "ack must be a whole number"),
        ({"ack": "1"}, "ack must be a whole number"),
    ],
)
def test_bad_acks(api: Api, meta: dict[str, Any], why: str) -> None:
    assert why in refusal(api, "watchPoll", watchId=opened(api, "c1"), **meta)


def test_bad_rows(api: Api) -> None:
    body = Grid.of([{"id": Ref("c1")}, {"dis": "x"}], None, {"watchDis": "t"})
    assert "missing id in row 2" in api.error(api.post("watchSub", body))
    body = Grid.of([{"id": "c1"}], None, {"watchDis": "t"})
    assert "id in row 1 must be a Ref" in api.error(api.post("watchSub", body))
    mixed = refusal(api, "watchSub", "c1", watchDis="t", filter="point")
    assert "mutually exclusive" in mixed
    by_filter = opened(api, filter="point")
    assert "takes no ids" in refusal(api, "watchSub", "c1", watchId=by_filter)
    assert "only be closed" in refusal(api, "watchUnsub", "c1", watchId=by_filter)
    both = refusal(api, "watchSub", watchId=by_filter, filter="site")
    assert "mutually exclusive" in both


@pytest.mark.parametrize("op", ["watchSub", "watchPoll", "watchUnsub", "curWrite"])
def test_get_is_refused(api: Api, op: str) -> None:
    answer = api.get(op, watchDis="t", id="@c1", watchId="x", val="5")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"


# -- leases and caps ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, 60),
        (Number(5, "s"), 5),
        (Number(500, "ms"), 0.5),
        (Number(30, "min"), 1800),
        (Number(1, "h"), 3600),
        (Number(90, "min"), 3600),
        (Number(1, "day"), 3600),
        (Number(1e300, "wk"), 3600),
    ],
)
def test_leases(api: Api, given: Number | None, seconds: float) -> None:
    meta = {} if given is None else {"lease": given}
    with time_machine.travel(NOON, tick=False) as clock:
        answer = ask(api, "watchSub", "c1", watchDis="t", **meta)
        assert answer.meta["lease"] == Number(seconds, "s")
        id = answer.meta["watchId"]
        clock.shift(seconds * 0.99)
        ask(api, "watchPoll", watchId=id)
        clock.shift(seconds * 0.99)
        more = ask(api, "watchSub", "c2", watchId=id)
        assert more.meta["lease"] == Number(seconds, "s")
        clock.shift(seconds * 0.99)
        ask(api, "watchUnsub", "c2", watchId=id)
        clock.shift(seconds * 0.99)
        assert told(api, id) == ([], [])
        clock.shift(seconds)
        assert "open a new one" in refusal(api, "watchPoll", watchId=id)
        assert "open a new one" in refusal(api, "watchSub", "c1", watchId=id)
        assert list(ask(api, "watchUnsub", "c1", watchId=id)) == []


def test_a_sub_may_change_the_lease(api: Api) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        id = opened(api, "c1", lease=Number(10, "s"))
        longer = ask(api, "watchSub", watchId=id, lease=Number(5, "min"))
        assert longer.meta["lease"] == Number(300, "s")
        clock.shift(299)
        assert told(api, id) == ([], [])


def test_caps(api: Api, store: StorageAdapter, settings: Any) -> None:
    limits = {"WATCHES": 2, "WATCHED": 2, "IDS": 3}
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": limits}
    if store.alias == "memory":  # made anew with the settings
        fill(storages["memory"])
        cur = {"cur": MARKER, "unit": "°F"}
        storages["memory"].load_entities([point("c1", **cur), point("c2", **cur)])
    one = opened(api, "c1", "c2")
    full = refusal(api, "watchSub", "p1", watchId=one)
    assert "3 entities, at most 2 (cap WATCHED)" in full
    assert told(api, one, refresh=MARKER) == (["c1", "c2"], [])
    large = refusal(api, "watchSub", watchDis="t", filter="point")
    assert "cap WATCHED" in large
    assert "cap IDS" in refusal(api, "watchSub", *("c1",) * 4, watchDis="t")
    opened(api)  # the refused call created no watch
    assert "cap WATCHES" in refusal(api, "watchSub", watchDis="t")
    other = of(store, logged_in("bob", "viewer"))
    opened(other, "c1")
    ask(api, "watchUnsub", watchId=one, close=MARKER)
    opened(api)


# -- who may ------------------------------------------------------------------------


def writes() -> dict[str, Grid]:
    samples = [{"ts": at("2024-03-01 12:00"), "val": Number(1)}]
    write = {"id": Ref("c2"), "level": Number(3), "val": Number(5)}
    return {
        "curWrite": Grid.of([{"id": Ref("c1"), "val": Number(5)}]),
        "hisWrite": Grid.of(samples, None, {"id": Ref("c1")}),
        "pointWrite": Grid.of([write]),
    }


def contents(store: StorageAdapter) -> list[str]:
    return [record.raw for record in store.scan()]


def test_a_viewer_watches_and_writes_nothing(api: Api, store: StorageAdapter) -> None:
    id = opened(api, "c1", "c2")
    before = contents(store)
    for op, request in writes().items():
        answer = api.post(op, request)
        assert answer.status_code == 403, op
        assert "permission" in answer.json()["dis"]
    assert contents(store) == before
    assert told(api, id) == ([], [])


def test_a_token_that_may_read_may_watch(store: StorageAdapter) -> None:
    alice = user("alice", "operator")
    reading, writing = (
        of(store, Bearer(alice, scope)) for scope in (Token.READ, Token.WRITE)
    )
    id = opened(reading, "c1", "c2")
    before = contents(store)
    for op, request in writes().items():
        answer = reading.post(op, request)
        assert answer.status_code == 403, op
        assert "token scope 'write' required" in answer.json()["dis"]
    assert contents(store) == before
    assert told(reading, id) == ([], [])
    assert list(grid_of(writing.post("curWrite", writes()["curWrite"]))) == []
    assert told(reading, id) == (["c1"], [])
    ask(reading, "watchUnsub", watchId=id, close=MARKER)


@pytest.mark.parametrize("op", ["watchSub", "watchPoll", "watchUnsub"])
def test_watching_requires_the_permission(store: StorageAdapter, op: str) -> None:
    stranger = of(store, logged_in("eve", ""))
    assert stranger.post(op, request_of(watchDis="t", watchId="x")).status_code == 403
    assert Api(Client()).post(op, request_of(watchDis="t")).status_code == 401


def test_sessions_with_the_same_scope_may_poll(api: Api, store: StorageAdapter) -> None:
    id = opened(api, "c1")
    show(store, "c1")
    assert told(of(store, logged_in("bob", "operator")), id) == (["c1"], [])
    assert told(api, id) == ([], [])


# -- groups with a filter -----------------------------------------------------------


@pytest.fixture
def member(store: StorageAdapter) -> Api:
    """Of s1 and what is there."""
    client = logged_in("mia", "viewer")
    group = Group.objects.create(name="first")
    GroupScope.objects.create(group=group, filter="siteRef == @s1 or id == @s1")
    get_user_model().objects.get(username="mia").groups.add(group)
    return of(store, client)


def test_members_receive_no_hidden_entities(member: Api, store: StorageAdapter) -> None:
    store.load_entities([point("h", cur=MARKER, siteRef=Ref("s2"))])
    answer = ask(member, "watchSub", "c1", "h", "s2", "missing", watchDis="t")
    assert ids(answer) == ["c1", None, None, None]
    assert "gone" not in answer.meta
    by_ids = answer.meta["watchId"]
    answer = ask(member, "watchSub", watchDis="t", filter="point and cur")
    assert sorted(ids(answer), key=str) == ["c1", "c2"]
    by_filter = answer.meta["watchId"]
    show(store, "h", "c1")
    for id in (by_ids, by_filter):
        assert told(member, id) == (["c1"], [])
    store.commit([], remove=["h"])
    store.update_entities([{"id": Ref("s2"), "trash": MARKER}], force=True)
    for id in (by_ids, by_filter):
        for meta in ({}, {"refresh": MARKER}, {"ack": Number(0)}):
            answer = ask(member, "watchPoll", watchId=id, **meta)
            assert "gone" not in answer.meta
            assert not {"h", "s2"} & set(ids(answer))


def test_what_leaves_and_enters_a_members_view(
    member: Api, store: StorageAdapter
) -> None:
    by_ids, by_filter = opened(member, "c1"), opened(member, filter="point and cur")

    def move(site: str) -> None:
        store.update_entities([{"id": Ref("c1"), "siteRef": Ref(site)}], force=True)

    move("s2")
    assert told(member, by_ids) == told(member, by_filter) == ([], ["c1"])
    show(store, "c1")
    store.commit([], remove=["c2"])
    assert told(member, by_ids) == ([], [])
    assert told(member, by_filter) == ([], ["c2"])
    move("s1")
    assert told(member, by_ids) == told(member, by_filter) == (["c1"], [])


def test_a_watch_is_unknown_to_users_with_another_scope(
    api: Api, member: Api, store: StorageAdapter
) -> None:
    own, hers = opened(api, "p3"), opened(member, "c1")
    for other, id in ((member, own), (api, hers)):
        assert "open a new one" in refusal(other, "watchPoll", watchId=id)
        assert "open a new one" in refusal(other, "watchSub", "c1", watchId=id)
        ask(other, "watchUnsub", watchId=id, close=MARKER)
    assert told(api, own) == told(member, hers) == ([], [])


def test_a_watch_ends_when_the_scope_of_its_user_changes(
    member: Api, store: StorageAdapter
) -> None:
    id = opened(member, "c1")
    GroupScope.objects.update(filter="siteRef == @s2")
    show(store, "c1")
    assert "open a new one" in refusal(member, "watchPoll", watchId=id)


# -- projects -----------------------------------------------------------------------


def test_a_watch_belongs_to_its_project(api: Api, store: StorageAdapter) -> None:
    id = opened(api, "c1")
    other = Api(api.client, "memory" if store.alias == "default" else "")
    assert "open a new one" in refusal(other, "watchPoll", watchId=id)


def test_a_watch_that_could_not_begin_is_not_left(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    """It would count among those of its user until its lease ends."""

    def fails(*_: Any, **__: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(type(store), "watch_changed", fails)
    monkeypatch.setattr(type(store), "watch_size", fails)
    op = find_op("watchSub")
    assert op is not None
    for request in (
        Grid(meta={"watchDis": "t", "filter": "point"}),
        Grid.of([{"id": Ref("c1")}], meta={"watchDis": "t"}),
    ):
        with pytest.raises(TimeoutError):
            op.run(Context(store, "joe", now=NOON), request)
    assert store.watch_count("joe", NOON) == 0
