"""The op bulkUpdate: tags of all entities that match, previewed, stored, undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.jobs.worker import Worker
from haystack_app.kinds import MARKER, REMOVE, Col, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.ops import find_op
from haystack_app.ops.registry import Context, OpError
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of, logged_in, user
from tests.storage.building import entity, point


def rows() -> list[dict[str, Any]]:
    made = [entity(site, site=MARKER, dis=site) for site in "ab"]
    made += [
        point(f"{site}{n}", siteRef=Ref(site), dis=f"T{n}", old=Number(n))
        for site in "ab"
        for n in range(3)
    ]
    made.append({**point("gone", siteRef=Ref("a")), "trash": MARKER})
    return made


def request(filter: Any, tags: dict[str, Any] | None = None, **meta: Any) -> Grid:
    cols = [Col(name) for name in tags or {}] or [Col("empty")]
    return Grid(cols, [tags] if tags else [], {"filter": filter, **meta})


def run(store: StorageAdapter, grid: Grid) -> Grid:
    found = find_op("bulkUpdate")
    assert found is not None
    return found.run(Context(store, "ann"), grid)


@pytest.fixture
def filled(store: StorageAdapter) -> StorageAdapter:
    store.load_entities(rows(), replace=True)
    return store


def test_set_remove_and_rename_as_one_commit(filled: StorageAdapter) -> None:
    end = filled.changes_since(None, 1).cursor
    tags = {"hvac": MARKER, "unit": "°C", "dis": REMOVE}
    answer = run(
        filled, request("point and siteRef == @a", tags, rename={"old": "new"})
    )
    assert (answer.meta["count"], answer.meta["changed"]) == (Number(3), Number(3))
    for n in range(3):
        record = filled.existing(f"a{n}")
        assert (record["hvac"], record["unit"], record["new"]) == (
            *(MARKER, "°C"),
            Number(n),
        )
        assert "dis" not in record and "old" not in record
        assert "hvac" not in filled.existing(f"b{n}")
    assert "hvac" not in filled.existing("gone")
    entries = filled.changes_since(end, 100).entries
    assert [change.id for _, change in entries] == ["a0", "a1", "a2"]
    assert {change.who for _, change in entries} == {"ann"}
    cursor = int(answer.meta["cursor"])
    assert len(filled.logged_commit(cursor)) == 3
    filled.revert(cursor)
    assert filled.existing("a1")["old"] == Number(1)


def test_a_dry_run_stores_nothing_and_shows_differences(
    filled: StorageAdapter,
) -> None:
    end = filled.changes_since(None, 1).cursor
    grid = request("point", {"dis": "T1", "old": REMOVE}, dryRun=MARKER)
    answer = run(filled, grid)
    assert (answer.meta["count"], answer.meta["changed"]) == (Number(6), Number(6))
    first, second = list(answer.rows)[:2]
    assert (first["before"], first["after"]) == (
        {"dis": "T0", "old": Number(0)},
        {"dis": "T1"},
    )
    assert (second["before"], second["after"]) == ({"old": Number(1)}, {})
    assert filled.changes_since(None, 1).cursor == end


def test_the_cursor_is_of_this_commit_though_another_follows_at_once(
    filled: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = filled.locked

    @contextmanager
    def followed(*ids: Any) -> Iterator[None]:
        monkeypatch.undo()
        with locked(*ids):
            yield
        filled.update_entities([{"id": Ref("a0"), "dis": "Other"}], force=True)

    monkeypatch.setattr(filled, "locked", followed)
    answer = run(filled, request("point and siteRef == @a", {"hvac": MARKER}))
    assert filled.existing("a0")["dis"] == "Other"
    assert len(filled.logged_commit(int(answer.meta["cursor"]))) == 3


def test_what_is_as_wanted_is_not_changed(filled: StorageAdapter) -> None:
    run(filled, request("point", {"hvac": MARKER}))
    mod = filled.existing("a0")["mod"]
    answer = run(filled, request("point", {"hvac": MARKER}))
    assert (answer.meta["count"], answer.meta["changed"]) == (Number(6), Number(0))
    assert "cursor" not in answer.meta
    assert filled.existing("a0")["mod"] == mod


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (request(None, {"a": MARKER}), "missing filter"),
        (request("point and", {"a": MARKER}), "cut short"),
        (request("point"), "give a row"),
        (request("point", {"mod": "x"}), 'tag "mod" cannot be changed'),
        (request("point", {"curVal": Number(1)}), 'tag "curVal" cannot be changed'),
        (request("point", {"id": Ref("x")}), 'tag "id" cannot be changed'),
        (request("point", rename={"old": "no name"}), "is not a tag name"),
        (request("point", rename={"old": Number(1)}), "is not a tag name"),
        (request("point", rename={"old": "new", "dis": "new"}), "the same new name"),
        (request("point", rename="old"), "must be a dict"),
        (request("point", {"old": MARKER}, rename={"old": "new"}), "renamed, and set"),
        (request("point", rename={"old": "dis"}), "@a0 has both old and dis"),
        (
            Grid([Col("a")], [{"a": MARKER}, {"a": MARKER}], {"filter": "point"}),
            "one row",
        ),
    ],
)
def test_what_is_invalid_is_said_and_stores_nothing(
    filled: StorageAdapter, grid: Grid, said: str
) -> None:
    end = filled.changes_since(None, 1).cursor
    with pytest.raises(ValueError, match=said):
        run(filled, grid)
    assert filled.changes_since(None, 1).cursor == end


def test_more_than_one_commit_may_change(filled: StorageAdapter, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 5}}
    with pytest.raises(OpError, match="matches more than 5 entities"):
        run(filled, request("point", {"hvac": MARKER}))


def test_points_with_history_keep_their_meaning(filled: StorageAdapter) -> None:
    from tests.storage.building import at, numbers

    filled.his_write("a1", numbers(1, at("2024-03-01 12:00")))
    with pytest.raises(ValueError, match="@a1 has history"):
        run(filled, request("point", {"unit": "kW"}))
    assert filled.existing("a0").get("unit") != "kW"


# -- over http ------------------------------------------------------------------


@pytest.fixture
def api(db: None) -> Api:
    storages["default"].load_entities(rows(), replace=True)
    return Api(logged_in("alice", "admin"))


ZINC = 'ver:"3.0" filter:"point"%s\nhvac,old\nM,R\n'


def test_over_http(api: Api) -> None:
    grid = grid_of(api.post("bulkUpdate", ZINC % " dryRun"))
    assert (len(list(grid)), grid.meta["changed"]) == (6, Number(6))
    grid = grid_of(api.post("bulkUpdate", ZINC % ""))
    assert grid.meta["changed"] == Number(6)
    undo = f"{api.root}changes/{grid.meta['cursor']}/revert/"
    assert len(api.client.post(undo).json()["updated"]) == 6
    assert api.get("bulkUpdate").status_code in (405, 501)


def test_operators_may_not(api: Api) -> None:
    answer = Api(logged_in("olga", "operator")).post("bulkUpdate", ZINC % "")
    assert answer.status_code == 403
    assert "hvac" not in storages["default"].existing("a0")


def test_a_tenant_changes_only_what_it_sees(api: Api) -> None:
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter="siteRef == @a or id == @a")
    tenant = user("tenant", "admin")
    tenant.groups.add(group)
    client = Client()
    client.force_login(tenant)
    grid = grid_of(Api(client).post("bulkUpdate", ZINC % ""))
    assert (grid.meta["count"], grid.meta["changed"]) == (Number(3), Number(3))
    assert "hvac" not in storages["default"].existing("b0")
    # nor does it place entities in what others see
    move = 'ver:"3.0" filter:"point"\nsiteRef\n@b\n'
    grid = grid_of(Api(client).post("bulkUpdate", move))
    assert grid.is_error
    assert storages["default"].existing("a0")["siteRef"] == Ref("a")


def test_as_a_job(api: Api) -> None:
    answer = api.post("bulkUpdate?job=true", ZINC % "")
    assert answer.status_code == 202
    assert Worker({"long": 1}).run_one(["long"])
    job = api.client.get(answer["Location"]).json()
    assert (job["status"], job["result"]["meta"]["changed"]) == ("successful", 6)
    assert storages["default"].existing("b2")["hvac"] is MARKER
