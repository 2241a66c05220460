"""The op commit over HTTP: permissions, answers, refused batches."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, REMOVE, Col, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer, zinc_writer
from tests.api.conftest import Api, fill, grid_of, ids_of, logged_in
from tests.storage.building import at, entity, given, tags_of
from tests.storage.test_concurrency import at_once

JSON = "application/json"


def request(action: Any, *rows: dict[str, Any], **meta: Any) -> Grid:
    names = dict.fromkeys(name for row in rows for name in row)
    cols = [Col(name) for name in names] or [Col("empty")]
    return Grid(cols, rows, {"commit": action, **meta})


def mod_of(id: str) -> DateTime:
    mod = storages["default"].existing(id)["mod"]
    assert isinstance(mod, DateTime)
    return mod


def row(id: str, **tags: Any) -> dict[str, Any]:
    return {"id": Ref(id), "mod": mod_of(id), **tags}


def contents() -> list[str]:
    return [record.raw for record in storages["default"].scan()]


def kinds(id: str) -> list[tuple[str, str]]:
    return [(one.kind, one.who) for one in storages["default"].changes_of(id)]


@pytest.fixture(params=["text/zinc", JSON])
def post(request: pytest.FixtureRequest, staff: Api) -> Any:
    """Commits a grid in each format; the answer in the same."""

    def send(grid: Grid) -> Any:
        writer = hayson_writer if request.param == JSON else zinc_writer
        body = writer.grid_text(grid)
        answer = staff.post("commit", body, request.param, accept=request.param)
        assert answer.status_code == 200, answer.content
        assert answer["Content-Type"].startswith(request.param)
        return grid_of(answer)

    return send


# -- add -------------------------------------------------------------------------


def test_add(post: Any) -> None:
    a, b = post(request("add", entity("a", n=Number(5, "kW")), {"dis": "no id"}))
    assert given(a) == entity("a", n=Number(5, "kW"))
    assert a["mod"] == mod_of("a")
    assert given(b) == tags_of(storages["default"], b["id"].id)
    assert kinds("a") == [("add", "boss")]


def test_add_refuses_the_whole_batch(post: Any) -> None:
    before = contents()
    for bad, why in (
        (entity("s1"), "@s1 already exists"),
        (entity("a"), "@a is given twice"),
        (entity("b", curVal=Number(5)), "row 2: tag 'curVal' is set by the server"),
        (entity("b", hisSize=Number(5)), "row 2: tag 'hisSize' is set by the server"),
        (entity("b", writeLevel=Number(5)), "row 2: tag 'writeLevel'"),
        ({"id": "b"}, "row 2: id must be a Ref"),
    ):
        answer = post(request("add", entity("a"), bad))
        assert answer.is_error and list(answer) == []
        assert why in answer.meta["dis"]
    assert contents() == before
    assert kinds("a") == []


# -- update ----------------------------------------------------------------------


def test_update(post: Any) -> None:
    before = row("s2", area=REMOVE, dis="New", x=None)
    record, _ = post(request("update", before, row("n", dis="N")))
    assert record["dis"] == "New"
    assert "area" not in record
    assert record["mod"] == mod_of("s2") != before["mod"]
    assert tags_of(storages["default"], "n")["dis"] == "N"
    [change] = storages["default"].changes_of("s2", 1)
    assert (change.kind, change.who) == ("update", "boss")
    assert given(change.before) == {"area": Number(100, "m²"), "dis": "Bravo"}
    assert given(change.after) == {"dis": "New"}


def test_trash_and_back(post: Any, staff: Api) -> None:
    post(request("update", row("s2", trash=MARKER)))
    assert staff.ids(filter="site") == ["s1"]
    post(request("update", row("s2", trash=REMOVE)))
    assert staff.ids(filter="site") == ["s1", "s2"]


def test_a_stale_mod_and_force(post: Any) -> None:
    old = row("s2", dis="second")
    post(request("update", row("s2", dis="first")))
    why = post(request("update", row("n", dis="N"), old)).meta["dis"]
    assert "@s2 was changed since it was read" in why
    assert tags_of(storages["default"], "s2")["dis"] == "first"
    assert "dis" not in tags_of(storages["default"], "n")
    assert not post(request("update", old, force=MARKER)).is_error
    assert tags_of(storages["default"], "s2")["dis"] == "second"
    bare = {"id": Ref("s2"), "dis": "third"}
    for grid in (request("update", bare), request("update", bare, force=False)):
        assert "row 1: mod must be a DateTime" in post(grid).meta["dis"]
    assert not post(request("update", bare, force=MARKER)).is_error


def test_update_refuses_the_whole_batch(post: Any) -> None:
    storages["default"].his_write("n", [(at("2024-03-01 12:00"), Number(1))])
    before = contents()
    for bad, why in (
        ({"id": Ref("missing"), "mod": mod_of("s1")}, "unknown entity @missing"),
        (row("p1"), "row 2: id @p1 is given twice"),
        ({"mod": mod_of("s1")}, "row 2: id must be a Ref"),
        (row("s1", curVal=Number(5)), "row 2: tag 'curVal' is set by the server"),
        (row("s1", writeVal=REMOVE), "row 2: tag 'writeVal' is set by the server"),
        (row("s1", hisEnd=REMOVE), "row 2: tag 'hisEnd' is set by the server"),
        (row("n", kind="Str"), "@n has history: its tag 'kind' cannot change"),
    ):
        answer = post(request("update", row("p1", dis="X"), bad))
        assert answer.is_error
        assert why in answer.meta["dis"]
    assert contents() == before
    assert kinds("p1") == [("add", "")]


def test_transient(post: Any) -> None:
    before = mod_of("p1")
    change = row("p1", curVal=Number(72, "°F"), curStatus="ok")
    [record] = post(request("update", change, transient=MARKER))
    assert record["curVal"] == Number(72, "°F")
    post(request("update", row("p1", curStatus=REMOVE), transient=MARKER))
    tags = tags_of(storages["default"], "p1")
    assert tags["curVal"] == Number(72, "°F")
    assert "curStatus" not in tags
    assert mod_of("p1") == before
    assert kinds("p1") == [("add", "")]
    for tags, why in (
        ({"dis": "X"}, "tag 'dis' is not transient"),
        ({"writeVal": Number(5)}, "tag 'writeVal' is set by the server"),
    ):
        answer = post(request("update", row("p1", **tags), transient=MARKER))
        assert why in answer.meta["dis"]
    for action in ("add", "remove"):
        answer = post(request(action, row("p1"), transient=MARKER))
        assert answer.meta["dis"] == (
            "meta transient requires meta commit to be update"
        )


# -- remove ----------------------------------------------------------------------


def test_remove(post: Any, staff: Api) -> None:
    """Also entities that others refer to: the specification does not forbid it."""
    before = tags_of(storages["default"], "s1")
    answer = post(request("remove", row("s1"), row("n")))
    assert list(answer) == [] and not answer.is_error
    assert ids_of(staff.post("read", 'ver:"3.0"\nid\n@s1\n@p1\n@n\n')) == [
        None,
        "p1",
        None,
    ]
    assert storages["default"].existing("p1")["siteRef"] == Ref("s1")
    change = storages["default"].changes_of("s1")[0]
    assert (change.kind, change.who, given(change.before)) == ("remove", "boss", before)


def test_remove_refuses_the_whole_batch(post: Any) -> None:
    old = row("s2")
    storages["default"].update_entities([row("s2", dis="New")])
    before = contents()
    for bad, why in (
        (old, "@s2 was changed since it was read"),
        ({"id": Ref("s2")}, "row 2: mod must be a DateTime"),
        ({"id": Ref("missing"), "mod": mod_of("s1")}, "unknown entity @missing"),
        (row("n"), "row 2: id @n is given twice"),
    ):
        answer = post(request("remove", row("n"), bad))
        assert answer.is_error
        assert why in answer.meta["dis"]
    assert contents() == before
    assert not post(request("remove", old, {"id": Ref("n")}, force=MARKER)).is_error
    assert len(contents()) == len(before) - 2


# -- who and what ----------------------------------------------------------------


@pytest.mark.parametrize("action", [None, "", "upsert", Number(1), MARKER])
def test_an_unknown_action(staff: Api, action: Any) -> None:
    before = contents()
    grid = request(action, row("n"))
    if action is None:
        grid = Grid(grid.cols, grid.rows)
    why = staff.error(staff.post("commit", grid))
    assert ("missing meta commit" if action is None else "meta commit must be") in why
    assert contents() == before


@pytest.mark.parametrize("action", ["add", "update", "remove"])
def test_commit_requires_the_permission(api: Api, action: str) -> None:
    before = contents()
    grid = request(action, entity("new") if action == "add" else row("n", dis="X"))
    answer = api.post("commit", grid)
    assert answer.status_code == 403
    assert answer.json() == {
        "status": 403,
        "dis": "permission 'change_entity' required",
    }
    assert contents() == before


def test_get_commits_nothing(staff: Api) -> None:
    before = contents()
    answer = staff.get("commit", id="@n", commit="remove", force="M")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"
    assert contents() == before


def test_an_empty_batch(post: Any) -> None:
    before = contents()
    for action in ("add", "update", "remove"):
        answer = post(request(action))
        assert list(answer) == [] and not answer.is_error
    assert contents() == before


def test_no_more_rows_than_the_settings_say(staff: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 2}}
    rows = [entity(f"x{number}") for number in range(3)]
    assert "cap IDS" in staff.error(staff.post("commit", request("add", *rows)))
    assert not grid_of(staff.post("commit", request("add", *rows[:2]))).is_error


def test_a_project(staff: Api, memory: Any) -> None:
    Api(staff.client, "memory").post("commit", request("add", entity("m")))
    assert memory.existing("m")
    assert storages["default"].read_by_ids(["m"]) == [None]


@pytest.mark.django_db(transaction=True)
def test_one_of_many_concurrent_updates_wins() -> None:
    fill(storages["default"])
    clients = [Api(logged_in(f"boss{n}", is_staff=True)) for n in range(4)]
    bodies = [request("update", row("s2", dis=str(n))) for n in range(4)]

    def commit(n: int) -> Grid:
        return grid_of(clients[n].post("commit", bodies[n]))

    answers = at_once([lambda n=n: commit(n) for n in range(4)])
    connections.close_all()
    winners = [n for n, answer in enumerate(answers) if not answer.is_error]
    assert len(winners) == 1
    assert tags_of(storages["default"], "s2")["dis"] == str(winners[0])
    losers = [answer for answer in answers if answer.is_error]
    assert all(
        "was changed since it was read" in answer.meta["dis"] for answer in losers
    )
    assert [kind for kind, _ in kinds("s2")] == ["update", "add"]
