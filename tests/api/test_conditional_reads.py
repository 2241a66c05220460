"""Conditional reads: never a 304 after a visible change, always one without a change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import settings
from hypothesis import strategies as st

from haystack_app.filters.ast import Filter
from haystack_app.kinds import MARKER, REMOVE, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import hayson_writer
from tests.api.conftest import logged_in
from tests.drawn import given_once
from tests.storage.building import at, entity, numbers, point
from tests.storage.test_namespaces import definition
from tests.strategies import asts, data_sets, filter_text

ZINC, JSON = "text/zinc", "application/json"
FORMATS = (ZINC, JSON, "application/json;version=3", "text/csv", "text/trio")
SITE = [
    entity("s", dis="Site", site=MARKER, geoCity="Hugo"),
    entity("e", dis="Equip", equip=MARKER, siteRef=Ref("s")),
    point("p", writable=MARKER, cur=MARKER, siteRef=Ref("s"), equipRef=Ref("e")),
    point("loose", siteRef=Ref("s")),
]


@pytest.fixture
def served(
    db: None, store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> StorageAdapter:
    """The store, as the project of the API without a name."""
    monkeypatch.setitem(storages._adapters, "default", store)
    store.load_entities(SITE)
    return store


class Poll:
    """A client that asks the same again and again, and keeps the last answer."""

    def __init__(self, client: Client, path: str, accept: str = JSON) -> None:
        self.client, self.path, self.accept = client, path, accept
        self.etag, self.held = "", b""

    def ask(self, etag: str = "", **headers: str) -> Any:
        headers["Accept"] = self.accept
        if etag:
            headers["If-None-Match"] = etag
        return self.client.get(self.path, headers=headers)

    def again(self) -> bool:
        """Whether the answer was 304. Fails if the client would hold what is wrong."""
        full = self.ask()
        now = content(full, self.accept)
        if self.etag:
            answer = self.ask(self.etag)
            if answer.status_code == 304:
                assert b"".join(answer) == b""
                assert answer["ETag"] == full["ETag"] == self.etag
                assert now == self.held, f"304 after a change: {self}"
                return True
            assert content(answer, self.accept) == now
        self.held, self.etag = now, full.get("ETag", "")
        return False

    def __repr__(self) -> str:
        return f"{self.path} as {self.accept}"


def content(answer: Any, accept: str) -> Any:
    """What an answer says; the order of its rows is not defined."""
    assert answer.status_code == 200, answer.content
    body = b"".join(answer) if answer.streaming else answer.content
    if not accept.startswith(JSON):
        return sorted(body.replace(b"---", b"").split(b"\n"))
    grid = orjson.loads(body)
    return sorted(orjson.dumps(row) for row in grid.pop("rows", [])), grid


def polls(client: Client, *filters: str) -> list[Poll]:
    paths = [
        *("/api/nav", "/api/nav?navId=s", "/api/nav?navId=@e", "/api/read?id=@p"),
        "/api/read?filter=point&limit=1",
        "/api/entities/?limit=2",
        "/api/entities/?filter=siteRef&fields=dis,siteRef",
        "/api/entities/p/",
        *(f"/api/read?filter={text}" for text in filters),
    ]
    return [Poll(client, path) for path in paths]


# -- single changes --------------------------------------------------------------

PATH = 'equipRef->siteRef->geoCity=="Hugo"'
CHANGES: dict[str, Callable[[StorageAdapter], Any]] = {
    "commit": lambda store: store.load_entities([point("p", x=Number(1))]),
    "curWrite": lambda store: store.update_transient(
        [entity("p", curVal=Number(2))], force=True
    ),
    "pointWrite": lambda store: store.point_write("p", 8, Number(5), who="x"),
    "samples": lambda store: store.his_write("p", numbers(1, at("2024-03-01 12:00"))),
    "a tag that a path leads to": lambda store: store.update_entities(
        [entity("s", geoCity="Other")], force=True
    ),
    "a new entity": lambda store: store.load_entities(
        [point("new", equipRef=Ref("e"))]
    ),
    "removal": lambda store: store.remove_entities([entity("p")], force=True),
    "trash": lambda store: store.update_entities(
        [entity("p", trash=MARKER)], force=True
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_and_nothing_else(served: StorageAdapter, change: str) -> None:
    clients = polls(logged_in("alice"), PATH, "point", "site", "nothing")
    for poll in clients:
        poll.again()
        assert poll.etag, poll
        assert poll.again(), poll
    CHANGES[change](served)
    if change == "removal":
        clients = [poll for poll in clients if poll.path != "/api/entities/p/"]
    unchanged = [poll.again() for poll in clients]
    assert not all(unchanged)
    assert all(poll.again() for poll in clients)


def test_a_change_elsewhere_is_not_seen(served: StorageAdapter) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=point")
    poll.again()
    served.load_entities([entity("other", x=MARKER)])
    served.update_entities([entity("s", note="elsewhere")], force=True)
    assert poll.again()


@pytest.mark.parametrize("path", ["/api/read?filter=point", "/api/entities/p/"])
def test_a_name_elsewhere_is_seen(served: StorageAdapter, path: str) -> None:
    poll = Poll(logged_in("alice"), path)
    poll.again()
    assert poll.again()
    served.update_entities([entity("s", dis="Renamed")], force=True)
    assert not poll.again()
    assert poll.again()


def test_an_entity_that_takes_the_place_of_another(served: StorageAdapter) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=loose")
    for value in (1, 2):
        served.load_entities([entity("l", loose=Number(value))])
        assert not poll.again()
        assert poll.again()
        served.remove_entities([entity("l")], force=True)


def test_a_scope_that_changes(served: StorageAdapter) -> None:
    client = logged_in("bob")
    group = Group.objects.create(name="north")
    group.user_set.add(client.get("/api/about").wsgi_request.user)
    scope = GroupScope.objects.create(group=group, filter='geoCity=="Hugo"')
    poll = Poll(client, "/api/read?filter=id")
    poll.again()
    assert poll.again()
    scope.filter = 'siteRef->geoCity=="Hugo"'
    scope.save()
    assert not poll.again()
    served.update_entities([entity("s", geoCity="Other")], force=True)
    assert not poll.again()
    assert poll.held[0] == []


def test_a_def_library_that_a_filter_names(served: StorageAdapter) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=^gadget")
    poll.again()
    assert poll.again()
    served.load_entities([entity("g", gizmo=MARKER)])
    assert poll.again()
    served.load_defs(
        {
            "lib:acme": [
                definition("lib:acme", "lib"),
                definition("gadget", "marker"),
                definition("gizmo", "gadget"),
            ]
        }
    )
    assert not poll.again()
    assert poll.again()


def test_requests_have_etags_of_their_own(served: StorageAdapter) -> None:
    """Each for its caller, format, download, limit and columns."""
    alice, bob = logged_in("alice"), logged_in("bob")
    group = Group.objects.create(name="everything")
    group.user_set.add(bob.get("/api/about").wsgi_request.user)
    GroupScope.objects.create(group=group, filter="id")
    found = [Poll(alice, "/api/read?filter=site", format) for format in FORMATS]
    found += [
        Poll(bob, "/api/read?filter=site"),
        Poll(alice, "/api/read?filter=site&limit=5"),
        Poll(alice, "/api/read?filter=site&download=a.csv", "text/csv"),
        Poll(alice, "/api/read?filter=site&download=b.csv", "text/csv"),
        Poll(alice, "/api/default/read?filter=site"),
        Poll(alice, "/api/entities/?filter=site"),
        Poll(alice, "/api/entities/?filter=site&fields=dis"),
    ]
    tags = [poll.ask()["ETag"] for poll in found]
    assert len(set(tags)) == len(tags)
    for poll in found:
        own = poll.ask()["ETag"]
        others = ", ".join(tag for tag in tags if tag != own)
        assert poll.ask(others).status_code == 200
        assert poll.ask(f"{others}, {own}").status_code == 304
        assert poll.ask(own.removeprefix("W/")).status_code == 304


def test_only_get_and_head_are_conditional(served: StorageAdapter) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=site")
    poll.again()
    headers = {"If-None-Match": poll.etag, "Accept": JSON}
    head = poll.client.head(poll.path, headers=headers)
    assert (head.status_code, head["ETag"]) == (304, poll.etag)
    assert head["Cache-Control"] == "no-cache, no-store"
    assert not {"Content-Type", "Content-Length"} & head.headers.keys()
    body = b'ver:"3.0"\nfilter\n"site"\n'
    answer = poll.client.generic(
        "POST", "/api/read", body, headers=headers, CONTENT_TYPE=ZINC
    )
    assert answer.status_code == 200
    assert "ETag" not in answer


def test_errors_and_answers_that_are_cut_off_have_no_etag(
    served: StorageAdapter, settings: Any
) -> None:
    client = logged_in("alice")
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"ROWS": 2}}
    storages._adapters["default"] = served  # the setting has dropped it
    cut = Poll(client, "/api/read?filter=id")
    assert "incomplete" in orjson.loads(cut.ask().content)["meta"]
    for path in (cut.path, "/api/read?filter=x and", "/api/nav?navId=unknown"):
        assert "ETag" not in Poll(client, path).ask()
        assert Poll(client, path).ask('W/"x"').status_code == 200


def test_the_etag_of_a_point_begins_with_its_mod(served: StorageAdapter) -> None:
    """If-Match compares this part alone."""
    boss = logged_in("boss", is_staff=True)
    served.update_transient([entity("p", curVal=Number(2))], force=True)
    answer = boss.get("/api/entities/p/")
    mod = served.existing("p")["mod"].iso
    assert answer["ETag"].startswith(f'"{mod};')
    served.update_transient([entity("p", curVal=Number(3))], force=True)

    def patch(dis: str, **headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        status: int = boss.patch(
            "/api/entities/p/", {"dis": dis}, content_type=JSON, headers=sent
        ).status_code
        return status

    tag = answer["ETag"]
    assert patch("A", If_Match=tag, If_None_Match=f'"{mod}"') == 412
    assert patch("A", If_Match=tag, If_None_Match=tag) == 412
    assert patch("A", If_Match=tag) == 200
    assert patch("B", If_Match=tag) == 412


# -- plain SQL -------------------------------------------------------------------


def run_sql(store: OrmAdapter, text: str, *params: Any) -> None:
    with connections[store.using].cursor() as cursor:
        cursor.execute(text, params)


def put_by_sql(store: OrmAdapter, id: str, tags: dict[str, Any]) -> None:
    """As a nightly job does that deletes and inserts."""
    run_sql(store, "DELETE FROM entities WHERE id = %s", id)
    run_sql(
        store,
        "INSERT INTO entities (id, tags, cur, tag_set_id, mod, version)"
        " VALUES (%s, %s, '{}', 0, '2024-01-01 00:00:00+00:00', 1)",
        id,
        json.dumps({**tags, "id": {"_kind": "ref", "val": id}}),
    )


@pytest.fixture
def sql_served(
    db: None, sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> OrmAdapter:
    monkeypatch.setitem(storages._adapters, "default", sql_store)
    sql_store.load_entities(SITE)
    return sql_store


@pytest.mark.parametrize("mended", [False, True])
def test_rows_that_sql_replaces(sql_served: OrmAdapter, mended: bool) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=bySql")
    for value in (1, 2, 3):
        put_by_sql(sql_served, "q", {"bySql": value})
        if mended:
            sql_served.mend_marked()
        assert not poll.again()
        assert poll.again()


def test_304_takes_one_statement_that_reads_no_tags(sql_served: OrmAdapter) -> None:
    poll = Poll(logged_in("alice"), "/api/read?filter=point and siteRef->site")
    poll.again()
    connection = connections[sql_served.using]
    with CaptureQueriesContext(connection) as queries:
        assert poll.ask(poll.etag).status_code == 304
    [found] = [one["sql"] for one in queries if "revision" in one["sql"]]
    assert '"entities"."tags" AS' not in found
    assert not [one for one in queries if '"entities"."tags" AS' in one["sql"]]
    other = poll.etag.replace("-", "-0")
    with CaptureQueriesContext(connection) as queries:
        assert poll.ask('W/"of another request"').status_code == 200
    assert not [one for one in queries if "string_agg" in one["sql"]]
    assert poll.ask(other).status_code == 200


# -- any changes -----------------------------------------------------------------

NAMES = ("x", "y", "siteRef", "airRef", "dis", "curVal")
VALUES = st.one_of(
    st.just(MARKER),
    st.just(REMOVE),
    st.sampled_from([Ref("a"), Ref("b", "B"), Ref("c"), Number(1), "Hugo", True]),
)
IDS = st.sampled_from(["a", "b", "c", "d"])
CHANGE = st.tuples(
    st.sampled_from(["put", "cur", "remove", "sql", "sql put", "mend", "scope"]),
    IDS,
    st.sampled_from(NAMES),
    VALUES,
    asts,
)
Change = tuple[str, str, str, Any, Filter]
QUERY = st.tuples(
    asts | st.sampled_from(["x", "siteRef->x", "not x->y", "siteRef->siteRef or y"]),
    st.sampled_from(["", "&limit=2", "&limit=1"]),
    st.sampled_from(FORMATS),
    st.booleans(),
)


def make(store: StorageAdapter, scope: GroupScope, change: Change) -> None:
    kind, id, name, value, tree = change
    exists = store.read_by_ids([id])[0] is not None
    encoded = None if value is REMOVE else hayson_writer.encode(value)
    if kind == "scope":
        scope.filter = filter_text(tree)
        scope.save()
    elif kind == "mend":
        store.mend_marked()
    elif kind == "put" and name != "curVal":
        row = {**(store.existing(id) if exists else {}), "id": Ref(id), name: value}
        store.load_entities([{k: v for k, v in row.items() if v is not REMOVE}])
    elif not exists:
        return
    elif kind == "cur":
        store.update_transient([entity(id, curVal=value)], force=True)
    elif kind == "remove":
        store.remove_entities([entity(id)], force=True)
    elif not isinstance(store, OrmAdapter):
        return
    elif kind == "sql put":
        put_by_sql(store, id, {} if encoded is None else {name: encoded})
    elif kind == "sql":
        column = "cur" if name == "curVal" else "tags"
        held = store.existing(id).json
        tags = {k: v for k, v in held.items() if (k == "curVal") == (column == "cur")}
        tags[name] = encoded
        text = json.dumps({k: v for k, v in tags.items() if v is not None})
        run_sql(store, f"UPDATE entities SET {column} = %s WHERE id = %s", text, id)


@pytest.fixture
def both(db: None) -> tuple[Client, Client]:
    """Clients of a user who may see everything, and of one with a scope."""
    alice, bob = logged_in("alice"), logged_in("bob")
    group = Group.objects.create(name="some")
    group.user_set.add(bob.get("/api/about").wsgi_request.user)
    GroupScope.objects.create(group=group, filter="x")
    return alice, bob


@given_once(
    settings(max_examples=12),
    records=data_sets(),
    queries=st.lists(QUERY, min_size=4, max_size=6),
    changes=st.lists(CHANGE, min_size=3, max_size=6),
    scope=asts,
)
def test_any_change(
    served: StorageAdapter,
    records: list[dict[str, Any]],
    queries: list[Any],
    changes: list[Change],
    scope: Filter,
    both: tuple[Client, Client],
) -> None:
    alice, bob = both
    held = GroupScope.objects.get()
    held.filter = filter_text(scope)
    held.save()
    served.load_entities([], replace=True)
    served.load_entities([{**row, "x": MARKER} for row in records])
    clients = list(_polls(alice, bob, queries))
    for change in changes:
        for poll in clients:
            poll.again()
            assert poll.again() or not poll.etag, f"changed without a change: {poll}"
        make(served, held, change)
    for poll in clients:
        poll.again()


def _polls(alice: Client, bob: Client, queries: list[Any]) -> Iterator[Poll]:
    for tree, limit, format, is_scoped in queries:
        text = tree if isinstance(tree, str) else filter_text(tree)
        client = bob if is_scoped else alice
        query = QueryDict(mutable=True)
        query["filter"] = text
        yield Poll(client, f"/api/read?{query.urlencode()}{limit}", format)
