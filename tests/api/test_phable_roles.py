"""phable's whole surface as each role, against a server of its own process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import phable
import pytest
from phable.haystack_client import CallError

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import databases, make_user
from tests.api.conftest import PASSWORD, fill
from tests.api.servers import Server, Servers, url_of
from tests.defects.building import at, point

ROLES = ("viewer", "operator", "admin")
WRITES = {"his_write", "his_write_all", "point_write", "cur_write"}
EDITS = {"add", "update", "transient", "remove"}
MAY = {"viewer": set[str](), "operator": WRITES, "admin": WRITES | EDITS}
NOON = dt.datetime(2024, 3, 2, 12, tzinfo=ZoneInfo("America/New_York"))
N, W, C = phable.Ref("n"), phable.Ref("w"), phable.Ref("c")


@pytest.fixture(params=databases("sqlite", "timescale"), scope="module")
def alias(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(
    request: pytest.FixtureRequest, alias: str, servers: Servers, scram_passwords: None
) -> tuple[Server, StorageAdapter]:
    """A server, the building, points to write to, and a user of each role."""
    request.getfixturevalue("transactional_db")
    store = storages[alias]
    refill(store)
    for role in ROLES:
        make_user(alias, role, PASSWORD, role)
    return servers.running(url_of(alias)), store


def refill(store: StorageAdapter) -> None:
    store.load_entities([], replace=True)
    fill(store)
    writable = point("w", unit="°F", writable=MARKER)
    store.load_entities([writable, point("c", cur=MARKER)])


def logged_in(server: Server, role: str, form: str = "json") -> phable.HaxallClient:
    uri = f"{server.root}/api"
    return phable.HaxallClient.open(uri, role, PASSWORD, content_type=form)


def contents(store: StorageAdapter) -> tuple[Any, ...]:
    """All that a client could have changed."""
    ids = [record["id"].id for record in store.scan()]
    return (
        [record.raw for record in store.scan()],
        [list(store.his_read(id)) for id in ("n", "c")],
        store.levels_of("w"),
        [len(store.changes_of(id)) for id in ids],
    )


def grid(rows: Any, meta: dict[str, Any]) -> phable.Grid:
    if not rows:  # to_grid needs one
        return phable.Grid({"ver": "3.0", **meta}, [phable.GridCol("empty")], [])
    return phable.Grid.to_grid(rows, meta)


def changes(client: phable.HaxallClient) -> dict[str, Callable[[], phable.Grid]]:
    """Every call that changes something, by name."""
    one = client.read_by_id(phable.Ref("s1"))
    other = client.read_by_id(phable.Ref("s2"))
    hour = dt.timedelta(hours=1)
    val = {"ts": NOON, "val": phable.Number(1)}
    transient = {**client.read_by_id(C), "curVal": phable.Number(7)}
    transient = {tag: transient[tag] for tag in ("id", "mod", "curVal")}
    return {
        "his_write": lambda: client.his_write_by_id(N, [val]),
        "his_write_all": lambda: client.his_write_by_ids(
            [N, C],
            [{"ts": NOON + hour, "v0": phable.Number(2), "v1": phable.Number(3)}],
        ),
        "point_write": lambda: client.point_write(W, 8, phable.Number(70)),
        "cur_write": lambda: client.call(
            "curWrite", grid([{"id": C, "val": phable.Number(5)}], {})
        ),
        "add": lambda: client.commit_add([{"dis": "New", "site": phable.Marker()}]),
        "update": lambda: client.commit_update({**one, "dis": "Changed"}),
        "transient": lambda: client.call(
            "commit",
            grid([transient], {"commit": "update", "transient": phable.Marker()}),
        ),
        "remove": lambda: client.commit_remove([other]),
    }


@pytest.mark.parametrize("form", ["json", "zinc"])
def test_what_each_role_may_do(site: Any, form: str) -> None:
    """Calls without permission are answered 403 and change nothing."""
    server, store = site
    for role in ROLES:
        refill(store)
        client = logged_in(server, role, form)
        for name, act in changes(client).items():
            before = contents(store)
            if name in MAY[role]:
                act()
                assert contents(store) != before, (role, name)
            else:
                with pytest.raises(HTTPError) as raised:
                    act()
                assert raised.value.code == 403, (role, name)
                assert contents(store) == before, (role, name)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads(site: Any, role: str) -> None:
    server, store = site
    store.his_write("n", [(at("2024-03-02 12:00"), Number(1))])
    store.point_write("w", 8, Number(70), "joe")
    before = contents(store)
    client = logged_in(server, role)
    assert client.about()["whoami"] == role
    assert client.read('dis == "Alpha"')["id"] == phable.Ref("s1")
    assert {row["id"].val for row in client.read_all("site").rows} == {"s1", "s2"}
    assert client.read_by_id(W)["writeVal"] == phable.Number(70, "°F")
    assert len(client.read_by_ids([N, W]).rows) == 2
    day = dt.date(2024, 3, 2)
    assert [row["ts"] for row in client.his_read_by_id(N, day).rows] == [NOON]
    assert len(client.his_read_by_ids([N, C], day).rows) == 1
    assert client.point_write_array(W).rows[7]["val"] == phable.Number(70, "°F")
    assert contents(store) == before
    client.close()
    with pytest.raises(HTTPError, match="401"):
        client.about()


@pytest.mark.parametrize("form", ["json", "zinc"])
def test_every_role_watches(site: Any, form: str) -> None:
    """phable has no calls for watches: by its generic one."""
    server, store = site
    for role in ROLES:
        client = logged_in(server, role, form)
        ids = [{"id": C}, {"id": phable.Ref("missing")}, {"id": W}]
        opened = client.call("watchSub", grid(ids, {"watchDis": "t"}))
        rows = [row["id"] for row in opened.rows if row]
        assert rows == [C, W]
        if form == "json":  # its Zinc reader leaves out rows without any value
            assert not opened.rows[1]
        assert opened.meta["lease"].val == 60
        watch = {"watchId": opened.meta["watchId"]}
        assert watch_poll(client, watch) == []
        store.update_transient(
            [{"id": Ref("c"), "curVal": Number(len(role))}], force=True
        )
        [changed] = client.call("watchPoll", grid([], watch)).rows
        assert (changed["id"], changed["curVal"].val) == (C, len(role))
        assert watch_poll(client, watch) == []
        assert watch_poll(client, {**watch, "refresh": phable.Marker()}) == ["c", "w"]
        client.call("watchUnsub", grid([{"id": W}], watch))
        assert watch_poll(client, {**watch, "refresh": phable.Marker()}) == ["c"]
        close = grid([], {**watch, "close": phable.Marker()})
        assert list(client.call("watchUnsub", close).rows) == []
        with pytest.raises(CallError) as raised:
            client.call("watchPoll", grid([], watch))
        assert "open a new one" in raised.value.help_msg.meta["dis"]


def watch_poll(client: phable.HaxallClient, meta: dict[str, Any]) -> list[str]:
    rows = client.call("watchPoll", grid([], meta)).rows
    return sorted(row["id"].val for row in rows)
