"""The op invokeAction over HTTP, and how actions are registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Col, Grid, Number, Ref
from haystack_app.ops import OpError
from haystack_app.ops import actions as registry
from haystack_app.ops.actions import action, all_actions
from haystack_app.ops.registry import Context
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer, zinc_writer
from haystack_app.wire.errors import ParseError
from tests.api.conftest import Api, grid_of
from tests.defects.building import point
from tests.storage.building import tags_of

JSON = "application/json"


@pytest.fixture(autouse=True)
def own_actions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Actions that a test registers are removed after it."""
    kept = {name: list(known) for name, known in registry._actions.items()}
    monkeypatch.setattr(registry, "_actions", kept)
    yield


def request(id: Any = None, name: Any = None, **arguments: Any) -> Grid:
    meta = {"id": Ref(id) if isinstance(id, str) else id, "action": name}
    row = arguments or {"nothing": None}
    cols = [Col(key) for key in row]
    return Grid(cols, [row], {key: val for key, val in meta.items() if val is not None})


# -- the demo's ------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text/zinc", JSON])
def test_the_action_of_the_demo(api: Api, form: str) -> None:
    store = storages["default"]
    store.load_entities([point("w", writable=MARKER)])
    for level in (3, 17):
        store.point_write("w", level, Number(level), "joe")
    writer = hayson_writer if form == JSON else zinc_writer
    body = writer.grid_text(request("w", "release"))
    answer = grid_of(api.post("invokeAction", body, form, accept=form))
    assert [dict(row) for row in answer] == [{"released": Number(2)}]
    assert "writeVal" not in tags_of(store, "w")
    assert tags_of(store, "w")["writeLevel"] == Number(17)
    assert grid_of(api.post("invokeAction", request("w", "release"))).first == {
        "released": Number(0)
    }


@pytest.mark.parametrize("id", ["s1", "n"])
def test_it_applies_to_writable_points_alone(api: Api, id: str) -> None:
    why = api.error(api.post("invokeAction", request(id, "release")))
    assert why == f"action 'release' does not apply to @{id}"


# -- finding one -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "why"),
    [
        (request("s1", "nosuch"), "unknown action 'nosuch'"),
        (request("s1", ""), "unknown action ''"),
        (request("missing", "release"), "unknown entity @missing"),
        (request(None, "release"), "missing meta id"),
        (request(Number(1), "release"), "meta id must be a Ref"),
        (request("s1"), "missing meta action"),
        (request("s1", Ref("release")), "meta action must be a Str"),
        (Grid(), "missing meta id"),
    ],
)
def test_invalid_requests(api: Api, grid: Grid, why: str) -> None:
    assert why in api.error(api.post("invokeAction", grid))


def test_get_invokes_nothing(api: Api) -> None:
    answer = api.get("invokeAction", id="@n", action="release")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"


# -- registering -----------------------------------------------------------------


def test_arguments_of_an_action(api: Api) -> None:
    seen: list[Any] = []

    @action("look", applies_to="site")
    def look(context: Context, entity: Any, arguments: Any) -> None:
        seen.extend([context.username, context.storage, entity["dis"], dict(arguments)])

    assert "look" in all_actions()
    answer = grid_of(
        api.post("invokeAction", request("s1", "look", a=Number(1), b="x"))
    )
    assert list(answer) == [] and not answer.is_error
    assert seen == ["alice", storages["default"], "Alpha", {"a": Number(1), "b": "x"}]


def test_a_request_without_rows(api: Api) -> None:
    @action("count", applies_to="site")
    def count(context: Context, entity: Any, arguments: Any) -> Number:
        return Number(len(arguments))

    grid = Grid([Col("empty")], [], {"id": Ref("s1"), "action": "count"})
    assert grid_of(api.post("invokeAction", grid)).first == {"val": Number(0)}


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (None, []),
        ("text", [{"val": "text"}]),
        (False, [{"val": False}]),
        (
            Grid.of([{"a": Number(1)}, {"a": Number(2)}]),
            [{"a": Number(1)}, {"a": Number(2)}],
        ),
    ],
)
def test_answers_of_actions(api: Api, given: Any, rows: list[Any]) -> None:
    @action("give", applies_to="site")
    def give(context: Context, entity: Any, arguments: Any) -> Any:
        return given

    answer = grid_of(api.post("invokeAction", request("s1", "give")))
    assert [dict(row) for row in answer] == rows


def test_filters_distinguish_actions_of_one_name(api: Api) -> None:
    @action("name", applies_to="site and siteRef")
    def never(context: Context, entity: Any, arguments: Any) -> str:
        return "never"

    @action("name", applies_to="equip and siteRef->site")
    def of_equip(context: Context, entity: Any, arguments: Any) -> str:
        return "equip"

    @action("name", applies_to="^site")
    def of_site(context: Context, entity: Any, arguments: Any) -> str:
        return "site"

    for id, val in (("s1", "site"), ("e1", "equip")):
        answer = grid_of(api.post("invokeAction", request(id, "name")))
        assert answer.first == {"val": val}
    why = api.error(api.post("invokeAction", request("n", "name")))
    assert "does not apply to @n" in why


def test_a_bad_filter_is_found_when_the_module_is_imported() -> None:
    with pytest.raises(ParseError):
        action("bad", applies_to="site and")
    assert "bad" not in all_actions()


def test_an_action_that_fails(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    @action("fail", applies_to="site")
    def fail(context: Context, entity: Any, arguments: Any) -> None:
        if arguments["as"] == "refusal":
            raise OpError("not on Sundays")
        raise KeyError("secret")

    answer = api.post("invokeAction", request("s1", "fail", **{"as": "refusal"}))
    assert api.error(answer) == "not on Sundays"
    assert "secret" not in caplog.text
    answer = api.post("invokeAction", request("s1", "fail", **{"as": "fault"}))
    assert api.error(answer) == "invokeAction: internal error"
    assert "KeyError: 'secret'" in caplog.text


def test_a_project(api: Api, memory: Any) -> None:
    memory.load_entities([point("m", writable=MARKER)])
    memory.point_write("m", 5, Number(1), "joe")
    answer = Api(api.client, "memory").post("invokeAction", request("m", "release"))
    assert grid_of(answer).first == {"released": Number(1)}
