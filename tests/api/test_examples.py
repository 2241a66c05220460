"""Each example of the OpenAPI schema runs as it is written, on the demo."""

from __future__ import annotations

import datetime as dt
import json
from importlib import reload
from typing import Any

import pytest
from django.test import Client

from haystack_app import demo
from haystack_app.api.examples import EXAMPLES
from haystack_app.demo import actions as actions_of_demo
from haystack_app.kinds import Grid
from haystack_app.ops import actions, all_ops, find_op
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_reader, zinc_reader
from tests.api.conftest import Api, grid_of, logged_in

BUILDING = "north.b1"
HISTORY = ("north.b1.ahu-1.discharge-temp",)
SILENT = {"close", "curWrite", "hisWrite", "load", "pointWrite", "watchPoll"}
SILENT |= {"emptyTrash", "watchUnsub"}
"""Ops whose answers may have no rows."""
MIRRORS = {"echo"}
"""Ops that answer with the grid of the request, of no rows in a GET without arguments."""
BODIES = {
    "text/zinc": str,
    "application/json": json.dumps,
    "application/vnd.haystack+json": json.dumps,
}


@pytest.fixture
def plant(db: None, settings: Any) -> Api:
    """A part of the demo, and a superuser of it."""
    settings.HAYSTACK = {**settings.HAYSTACK, "ACTIONS": [actions_of_demo.__name__]}
    if "release" not in actions.all_actions():
        reload(actions_of_demo)
    now = dt.datetime.now(dt.UTC)
    store = storages["default"]
    records = list(demo.entities(at=now))
    wanted = [
        one for one in records if one["id"].id.startswith(BUILDING) or "site" in one
    ]
    store.load_entities(wanted, replace=True)
    for record in wanted:
        if record["id"].id in HISTORY:
            hours = dt.timedelta(hours=3)
            samples = demo.samples(record, now - hours, now)
            store.his_write(record["id"].id, list(samples))
    return Api(logged_in("root", is_staff=True, is_superuser=True))


@pytest.fixture
def paths() -> Any:
    answer = Client().get("/api/schema/", headers={"Accept": "application/json"})
    return answer.json()["paths"]


def test_each_op_has_an_example(paths: Any) -> None:
    assert EXAMPLES.keys() == {op.name for op in all_ops()}
    for name in EXAMPLES:
        content = paths[f"/api/{name}"]["post"]["requestBody"]["content"]
        assert all("example" in content[media_type] for media_type in BODIES)


def test_the_json_is_the_same_grid() -> None:
    for example in EXAMPLES.values():
        zinc = zinc_reader.read_grid(example.zinc)
        assert hayson_reader.read_grid(json.dumps(example.json)) == zinc


@pytest.mark.parametrize("media_type", BODIES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_posts(name: str, media_type: str, plant: Api, paths: Any) -> None:
    content = paths[f"/api/{name}"]["post"]["requestBody"]["content"]
    body = BODIES[media_type](content[media_type]["example"])
    if "WATCH_ID" in body:
        opened = grid_of(plant.post("watchSub", EXAMPLES["watchSub"].zinc))
        body = body.replace("WATCH_ID", opened.meta["watchId"])
    answer = grid_of(plant.post(name, body, content_type=media_type))
    assert not answer.is_error, answer.meta
    check(name, answer)


@pytest.mark.parametrize(
    "name",
    [name for name in EXAMPLES if not find_op(name).side_effects],  # type: ignore[union-attr]
)
def test_gets(name: str, plant: Api, paths: Any) -> None:
    parameters = paths[f"/api/{name}"]["get"]["parameters"]
    given = {one["name"]: one["example"] for one in parameters if "example" in one}
    assert given == EXAMPLES[name].parameters
    answer = grid_of(plant.get(name, **given))
    assert not answer.is_error, answer.meta
    if given or name not in MIRRORS:
        check(name, answer)


def check(name: str, answer: Grid) -> None:
    """What asks for something finds it."""
    if name not in SILENT:
        assert len(list(answer)) > 0
