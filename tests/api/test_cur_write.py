"""The op curWrite over HTTP: all points of a call or none, without other changes."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, REMOVE, Grid, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import STATUSES
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer
from tests.api.conftest import Api, fill, grid_of, logged_in
from tests.defects.building import point
from tests.storage.building import entity

NAMES = ("curVal", "curStatus", "curErr")


@pytest.fixture(params=["default", "memory"])
def store(request: pytest.FixtureRequest, db: None) -> Any:
    found = storages[request.param]
    fill(found)
    found.load_entities(
        [
            point("num", cur=MARKER, unit="°F"),
            point("flag", "Bool", cur=MARKER),
            point("text", "Str", cur=MARKER),
            entity("bare", point=MARKER, cur=MARKER, kind="Number"),
            point("old", cur=MARKER, trash=MARKER),
        ]
    )
    yield found
    if request.param == "memory":
        found.load_entities([], replace=True)


@pytest.fixture
def api(store: StorageAdapter) -> Api:
    project = "" if store.alias == "default" else store.alias
    return Api(logged_in("alice", "operator"), project)


def write(api: Api, *rows: dict[str, Any]) -> None:
    answer = grid_of(api.post("curWrite", Grid.of(rows)))
    assert not answer.is_error, answer.meta
    assert (list(answer), answer.names) == ([], ["empty"])


def row(id: str, val: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": Ref(id), "val": val, **more}


def cur(store: StorageAdapter, id: str) -> tuple[Any, ...]:
    tags = store.existing(id)
    return tuple(tags.get(name) for name in NAMES)


def test_values_of_every_kind_in_one_call(api: Api, store: StorageAdapter) -> None:
    write(api, row("num", Number(71.5)), row("flag", False), row("text", "on"))
    assert cur(store, "num") == (Number(71.5, "°F"), "ok", None)
    assert cur(store, "flag") == (False, "ok", None)
    assert cur(store, "text") == ("on", "ok", None)
    write(api, row("bare", Number(5)))  # no zone, no history
    assert cur(store, "bare") == (Number(5), "ok", None)
    assert api.ids(filter="curVal > 71°F") == ["num"]


def test_json(api: Api, store: StorageAdapter) -> None:
    body = hayson_writer.grid_text(Grid.of([row("num", Number(1, "°F"))]))
    answer = api.post("curWrite", body, "application/json", "application/json")
    assert list(grid_of(answer)) == []
    assert cur(store, "num")[0] == Number(1, "°F")


def test_statuses(api: Api, store: StorageAdapter) -> None:
    for status in STATUSES:
        write(api, row("num", Number(1), status=status))
        assert cur(store, "num") == (Number(1, "°F"), status, None)
    write(api, row("num", None, status="fault", err="no answer"))
    assert cur(store, "num") == (None, "fault", "no answer")
    assert api.ids(filter="curVal") == ["p1", "p2", "p4"]
    write(api, row("num", Number(2)))
    assert cur(store, "num") == (Number(2, "°F"), "ok", None)
    for nothing in (None, REMOVE):
        write(api, row("num", nothing))
        assert cur(store, "num") == (None, "unknown", None)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (row("missing", Number(1)), "@missing"),
        (row("s1", Number(1)), "@s1 cannot be written: no tag 'point'"),
        (row("p1", Number(1)), "@p1 cannot be written: no tag 'cur'"),
        (row("old", Number(1)), "@old is in the trash"),
        (row("flag", Number(1)), "@flag: val must be a Bool"),
        (row("flag", "true"), "@flag: val must be a Bool"),
        (row("text", Number(1)), "@text: val must be a Str"),
        (row("text", "a\0"), "@text"),
        (row("bare", Number(1, "kW")), "@bare: unit must be none, not kW"),
        (row("bare", Number(float("nan"))), "@bare: val must be a finite number"),
        (row("bare", NA), "@bare: val must be a Number"),
        (row("bare", Number(1), status="good"), "@bare: status must be one of"),
        (row("bare", Number(1), err="a\0"), "@bare"),
        (row("bare", Number(1), status=MARKER), "status in row 2 must be a Str"),
        (row("bare", Number(1), err=Number(1)), "err in row 2 must be a Str"),
        (row("num", Number(2)), "row 2: duplicate id @num"),
        ({"val": Number(1)}, "missing id in row 2"),
        ({"id": "num", "val": Number(1)}, "id in row 2 must be a Ref"),
    ],
)
def test_all_or_none_and_the_error_names_the_row(
    api: Api, store: StorageAdapter, bad: dict[str, Any], why: str
) -> None:
    before = [record.raw for record in store.scan()]
    request = Grid.of([row("num", Number(1)), bad, row("bare", Number(1))])
    if bad.get("id") == Ref("bare"):
        request = Grid.of([row("num", Number(1)), bad])
    assert why in api.error(api.post("curWrite", request))
    assert [record.raw for record in store.scan()] == before


def test_misspelt_column_does_not_remove_values(
    api: Api, store: StorageAdapter
) -> None:
    write(api, row("num", Number(1)))
    request = Grid.of([{"id": Ref("num"), "value": Number(2)}])
    assert api.error(api.post("curWrite", request)) == "missing column val"
    assert cur(store, "num") == (Number(1, "°F"), "ok", None)


def test_values_do_not_change_the_model(api: Api, store: StorageAdapter) -> None:
    mod, log = store.existing("num")["mod"], len(store.changes_of("num"))
    for val in (1, 2, 2):
        write(api, row("num", Number(val)))
    assert store.existing("num")["mod"] == mod
    assert len(store.changes_of("num")) == log
    assert list(store.his_read("num")) == []


def test_the_version_moves_with_what_is_visible(
    api: Api, store: StorageAdapter
) -> None:
    def version() -> int:
        from haystack_app import filters

        return store.versions(filters.parse("id == @num"))["num"]

    seen = [version()]
    for val in (1, 2):
        write(api, row("num", Number(val)))
        seen.append(version())
    assert seen == sorted(set(seen))
    write(api, row("num", Number(2)))
    assert version() == seen[-1]


def test_a_thousand_points_in_one_call(api: Api, store: StorageAdapter) -> None:
    names = [f"k{number}" for number in range(1_000)]
    store.load_entities([point(name, cur=MARKER, unit="°F") for name in names])
    opened = api.post(
        "watchSub",
        Grid.of([{"id": Ref(one)} for one in names], None, {"watchDis": "t"}),
    )
    id = grid_of(opened).meta["watchId"]
    write(api, *(row(name, Number(at)) for at, name in enumerate(names)))
    assert len(api.ids(filter="curVal >= 500°F")) == 500
    news = grid_of(api.post("watchPoll", Grid(meta={"watchId": id})))
    assert {one["id"].id: one["curVal"].val for one in news} == {
        name: at for at, name in enumerate(names)
    }
    rows = [row(name, Number(5)) for name in names]
    rows[777] = row(names[777], "hot")
    assert "@k777: val must be a Number" in api.error(
        api.post("curWrite", Grid.of(rows))
    )
    assert len(api.ids(filter="curVal == 5°F")) == 1


def test_no_rows_change_nothing(api: Api, store: StorageAdapter) -> None:
    before = [record.raw for record in store.scan()]
    write(api)
    assert [record.raw for record in store.scan()] == before


def test_more_than_the_cap(api: Api, store: StorageAdapter, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 2}}
    rows = [row(id) for id in ("num", "flag", "text")]
    assert "cap IDS" in api.error(api.post("curWrite", Grid.of(rows)))


def test_it_is_documented_among_the_ops(api: Api) -> None:
    [found] = grid_of(api.get("ops", filter='name=="curWrite"'))
    assert "noSideEffects" not in found and "current values" in found["doc"]
