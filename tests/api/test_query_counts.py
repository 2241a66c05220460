"""No op and no REST call asks the database more often than query_counts.json says.

The counts are of a second, equal request, so that what a process remembers does not
depend on the tests before it. Statements that begin and end transactions are left
out: under test they are savepoints. ``make query-counts`` writes the file.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from haystack_app.auth import logins, tokens
from haystack_app.kinds import MARKER, Col, Grid, Number, Ref
from haystack_app.models import Token
from haystack_app.ops import all_ops
from haystack_app.storage.handler import storages
from haystack_app.wire import zinc_reader, zinc_writer
from tests.api.callers import databases, token_of
from tests.api.conftest import basic, fill, grid_of, user
from tests.dashboards.making import dashboard
from tests.defects.building import at, point
from tests.storage.building import numbers

FILE = Path(__file__).with_name("query_counts.json")
UPDATE = bool(os.environ.get("UPDATE_QUERY_COUNTS"))
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
ZINC, JSON = "text/zinc", "application/json"


def rows(*found: dict[str, Any], **meta: Any) -> Grid:
    return Grid.of(found, meta=meta)


NEW = {"dis": "New", "site": MARKER}
SAMPLES = Grid(
    [Col("ts"), Col("val")],
    [{"ts": at("2024-03-02 12:00"), "val": Number(1)}],
    {"id": Ref("n")},
)
OPS: dict[str, Callable[[str], Grid]] = {
    "about": lambda watch: Grid(),
    "bulkUpdate": lambda watch: Grid(
        [Col("hvac")], [{"hvac": MARKER}], {"filter": "point and siteRef"}
    ),
    "close": lambda watch: Grid(),
    "commit": lambda watch: rows(NEW, commit="add"),
    "copyTree": lambda watch: rows(id=Ref("s1")),
    "curWrite": lambda watch: rows({"id": Ref("c"), "val": Number(7)}),
    "defTags": lambda watch: rows({"def": "ahu"}),
    "defs": lambda watch: rows({"filter": "lib==^lib:ph", "limit": Number(5)}),
    "echo": lambda watch: rows({"a": Number(1)}),
    "emptyTrash": lambda watch: rows(all=MARKER),
    "eval": lambda watch: rows({"expr": "readById(@n).hisRead(2024-03-01)"}),
    "filetypes": lambda watch: Grid(),
    "formats": lambda watch: Grid(),
    "hisRead": lambda watch: rows({"id": Ref("n"), "range": "2024-03-01"}),
    "hisWrite": lambda watch: SAMPLES,
    "invokeAction": lambda watch: rows({}, id=Ref("w"), action="release"),
    "libs": lambda watch: Grid(),
    "load": lambda watch: rows({"id": Ref("new"), **NEW}),
    "moveTree": lambda watch: rows({"siteRef": Ref("s2")}, id=Ref("n")),
    "nav": lambda watch: rows({"navId": "s1"}),
    "ops": lambda watch: Grid(),
    "pointWrite": lambda watch: rows(
        {"id": Ref("w"), "level": Number(8), "val": Number(5)}
    ),
    "read": lambda watch: rows(
        {"filter": "point and siteRef->site", "limit": Number(5)}
    ),
    "watchPoll": lambda watch: Grid(meta={"watchId": watch}),
    "watchSub": lambda watch: rows({"id": Ref("c")}, watchDis="t"),
    "watchUnsub": lambda watch: rows({"id": Ref("c")}, watchId=watch),
}
"""A request to each op, given the id of a watch."""

REST: dict[str, tuple[str, str, Any]] = {
    "GET entities": ("GET", "entities/?filter=point&limit=5", None),
    "POST entities": ("POST", "entities/", {"dis": "New", "site": {"_kind": "marker"}}),
    "GET entity": ("GET", "entities/s1/", None),
    "PATCH entity": ("PATCH", "entities/s1/", {"dis": "Changed"}),
    "DELETE entity": ("DELETE", "entities/n/", None),
    "GET removal": ("GET", "entities/s1/removal/", None),
    "DELETE to the trash": ("DELETE", "entities/n/?trash=true", None),
    "GET writes": ("GET", "writes/", None),
    "GET changes": ("GET", "changes/", None),
    "GET history": ("GET", "history/?filter=id==@n&range=2024-03-01", None),
    "GET quality": ("GET", "quality/?filter=point", None),
    "GET tags": ("GET", "tags/", None),
    "GET tag values": ("GET", "tags/siteRef/values/", None),
}
DASHBOARDS: dict[str, tuple[str, str, Any]] = {
    "GET dashboards": ("GET", "dashboards/", None),
    "POST dashboards": ("POST", "dashboards/", {"slug": "new", "title": "New"}),
    "GET dashboard": ("GET", "dashboards/plant/", None),
    "PATCH dashboard": ("PATCH", "dashboards/plant/", {"groups": ["viewer"]}),
    "DELETE dashboard": ("DELETE", "dashboards/plant/", None),
}
USERS: dict[str, tuple[str, str, Any]] = {
    "GET users": ("GET", "users/", None),
    "POST users": (
        "POST",
        "users/",
        {"username": "eve", "password": "some long words", "groups": ["viewer"]},
    ),
    "GET user": ("GET", "users/{bob}/", None),
    "PATCH user": ("PATCH", "users/{bob}/", {"email": "bob@example.org"}),
    "DELETE user": ("DELETE", "users/{bob}/", None),
}
"""Users and dashboards are in the default database, in every project."""


# -- credentials ------------------------------------------------------------------


def session(who: Any) -> dict[str, str]:
    client = Client()
    client.force_login(who)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


CREDENTIALS: dict[str, Callable[[Any], dict[str, str]]] = {
    "basic": lambda who: basic(who.username),
    "login token": lambda who: {
        "Authorization": f"BEARER authToken={tokens.issue(who)}"
    },
    "API token": lambda who: {"Authorization": f"Bearer {token_of(who, Token.ADMIN)}"},
    "session": session,
}


# -- counting ---------------------------------------------------------------------


@contextmanager
def undone(*aliases: str) -> Iterator[None]:
    with ExitStack() as stack:
        for alias in aliases:
            stack.enter_context(transaction.atomic(alias))
        yield
        for alias in aliases:
            transaction.set_rollback(True, alias)


def queries(aliases: list[str], ask: Callable[[], Any]) -> int:
    """How many the second of two equal requests takes."""
    for _ in range(2):
        cache.clear()
        logins.forget()  # remembered for a second, which depends on the machine
        with undone(*aliases), ExitStack() as stack:
            captured = [
                stack.enter_context(CaptureQueriesContext(connections[alias]))
                for alias in aliases
            ]
            answer = ask()
            body = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code < 300, body
        if answer.get("Content-Type", "").startswith(ZINC):
            assert not zinc_reader.read_grid(body.decode()).is_error, body
    return sum(
        not query["sql"].startswith(CONTROL)
        for one in captured
        for query in one.captured_queries
    )


def counted(alias: str, credentials: str) -> dict[str, int]:
    """The queries of each request: of an admin, and about users of a superuser."""
    aliases = sorted({"default", alias})
    admin, root = (
        Client(headers=CREDENTIALS[credentials](who))
        for who in (
            user("admin", is_staff=True),
            user("root", is_staff=True, is_superuser=True),
        )
    )
    base = "/api/" if alias == "default" else f"/api/{alias}/"
    bob = user("bob").pk

    def post(op: str, grid: Grid) -> Any:
        body = zinc_writer.grid_text(grid)
        headers = {"Accept": ZINC}
        return admin.generic(
            "POST", base + op, body, headers=headers, CONTENT_TYPE=ZINC
        )

    def rest(client: Client, method: str, path: str, body: Any) -> Any:
        text = "" if body is None else json.dumps(body)
        headers = {"If-Match": "*"}
        return client.generic(method, path, text, JSON, headers=headers)

    opened = post("watchSub", rows({"id": Ref("c")}, watchDis="t"))
    watch = grid_of(opened).meta["watchId"]
    found = {
        f"op {name}": queries(aliases, partial(post, name, grid(watch)))
        for name, grid in OPS.items()
    }
    for name, (method, path, body) in REST.items():
        call = partial(rest, admin, method, base + path, body)
        found[name] = queries(aliases, call)
    if alias == "default":
        for slug in ("plant", "site"):
            dashboard(slug, None, everyone=True)
        for name, (method, path, body) in DASHBOARDS.items():
            call = partial(rest, admin, method, base + path, body)
            found[name] = queries(aliases, call)
        for name, (method, path, body) in USERS.items():
            call = partial(rest, root, method, "/api/" + path.format(bob=bob), body)
            found[name] = queries(aliases, call)
    return found


@pytest.fixture(params=databases("sqlite", "postgres", transaction=False))
def alias(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue("db")
    store = storages[request.param]
    fill(store)
    store.load_entities([point("w", writable=MARKER), point("c", cur=MARKER)])
    store.his_write("n", numbers(3, at("2024-03-01 12:00")))
    store.point_write("w", 16, Number(1), "joe")
    return str(request.param)


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_not_more_queries_than_before(alias: str, credentials: str) -> None:
    found = counted(alias, credentials)
    baseline = json.loads(FILE.read_text()) if FILE.exists() else {}
    if UPDATE:
        write(baseline, alias, credentials, found)
        return
    known = {
        name: by[credentials]
        for name, by in baseline[alias].items()
        if credentials in by
    }
    assert found.keys() == known.keys(), "run make query-counts"
    more = {
        name: (known[name], count)
        for name, count in found.items()
        if count > known[name]
    }
    assert not more, "more queries (before, now)"
    if fewer := {name for name in found if found[name] < known[name]}:
        warnings.warn(
            f"fewer queries, run make query-counts: {', '.join(sorted(fewer))}",
            stacklevel=1,
        )


def write(baseline: Any, alias: str, credentials: str, found: dict[str, int]) -> None:
    """One line for each request, so that a change is a short diff."""
    by_name = baseline.setdefault(alias, {})
    for name, by in list(by_name.items()):
        by.pop(credentials, None)
        if not by:
            del by_name[name]
    for name, count in found.items():
        by_name.setdefault(name, {})[credentials] = count
    parts = []
    for database in sorted(baseline):
        lines = [
            f"    {json.dumps(name)}: {json.dumps(by, sort_keys=True)}"
            for name, by in sorted(baseline[database].items())
        ]
        parts.append(f"  {json.dumps(database)}: {{\n" + ",\n".join(lines) + "\n  }")
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def test_every_op_is_counted() -> None:
    assert {op.name for op in all_ops()} == OPS.keys()
