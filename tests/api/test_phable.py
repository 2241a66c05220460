"""phable's own kinds and Grid, read from our answers and written to us."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import phable
import pytest
from phable.haystack_client import CallError

from haystack_app.kinds import (
    MARKER,
    NA,
    REMOVE,
    Coord,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.storage.handler import storages
from tests.api.conftest import PASSWORD, Api, grid_of
from tests.defects.building import at, point
from tests.storage.building import tags_of

JSON = "application/json"
NEW_YORK = ZoneInfo("America/New_York")
DAY = "2024-03-02"
OURS: dict[str, Any] = {
    "id": Ref("all", "All kinds"),
    "marker": MARKER,
    "na": NA,
    "remove": REMOVE,
    "yes": True,
    "no": False,
    "whole": Number(5),
    "big": Number(1e13),
    "exact": Number(1234567.891, "kW"),
    "negative": Number(-0.5, "°F"),
    "str": "plain",
    "escapes": 'a"b\\c$d\ne\tf {} `g` <<',
    "unicode": "ä € ²",
    "uri": Uri("http://x.org/a?b=c#d"),
    "ref": Ref("a:b-c.d~e"),
    "symbol": Symbol("hot-water"),
    "date": dt.date(2024, 2, 29),
    "time": dt.time(8, 30),
    "fraction": dt.time(8, 30, 0, 250_000),
    "at": at("2024-07-01 12:00"),
    "utc": at("2024-07-01 12:00", "UTC"),
    "xstr": XStr("Color", "red"),
    "list": [Number(1), "a", MARKER, [True]],
    "dict": {"a": Number(1), "b": MARKER, "c": {"d": "e"}},
}
THEIRS: dict[str, Any] = {
    "id": phable.Ref("all", "All kinds"),
    "marker": phable.Marker(),
    "na": phable.NA(),
    "remove": phable.Remove(),
    "yes": True,
    "no": False,
    "whole": phable.Number(5),
    "big": phable.Number(1e13),
    "exact": phable.Number(1234567.891, "kW"),
    "negative": phable.Number(-0.5, "°F"),
    "str": "plain",
    "escapes": 'a"b\\c$d\ne\tf {} `g` <<',
    "unicode": "ä € ²",
    "uri": phable.Uri("http://x.org/a?b=c#d"),
    "ref": phable.Ref("a:b-c.d~e"),
    "symbol": phable.Symbol("hot-water"),
    "date": dt.date(2024, 2, 29),
    "time": dt.time(8, 30),
    "fraction": dt.time(8, 30, 0, 250_000),
    "at": dt.datetime(2024, 7, 1, 12, tzinfo=NEW_YORK),
    "utc": dt.datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("UTC")),
    "xstr": phable.XStr("Color", "red"),
    "list": [phable.Number(1), "a", phable.Marker(), [True]],
    "dict": {"a": phable.Number(1), "b": phable.Marker(), "c": {"d": "e"}},
}


def decoded(response: Any) -> phable.Grid:
    body = b"".join(response) if response.streaming else response.content
    if response["Content-Type"].startswith("text/zinc"):
        found = phable.ph_from_zinc(body.decode())
    else:
        found = phable.ph_from_json(body.decode())
    assert isinstance(found, phable.Grid)
    return found


@pytest.fixture(params=["text/zinc", JSON])
def accept(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_kind(api: Api, accept: str) -> None:
    storages["default"].load_entities([OURS])
    [row] = decoded(api.get("read", accept, filter="marker")).rows
    assert set(row) == {*THEIRS, "mod"}
    for name, value in THEIRS.items():
        assert row[name] == value, name
        assert type(row[name]) is type(value)


def test_a_coord(api: Api, accept: str) -> None:
    """phable rounds to six digits when it reads JSON."""
    storages["default"].load_entities([{"id": Ref("c"), "c": Coord(37.5458, -77.449)}])
    [row] = decoded(api.get("read", accept, filter="c")).rows
    assert round(row["c"].lat, 4) == Decimal("37.5458")
    assert round(row["c"].lng, 4) == Decimal("-77.4490")


@pytest.mark.parametrize("val", [float("inf"), float("-inf"), float("nan")])
def test_special_numbers(api: Api, accept: str, val: float) -> None:
    storages["default"].load_entities([{"id": Ref("c"), "special": Number(val)}])
    [row] = decoded(api.get("read", accept, filter="special")).rows
    assert repr(float(row["special"].val)) == repr(val)


def test_a_whole_building(api: Api, accept: str) -> None:
    grid = decoded(api.get("read", accept, filter="id"))
    ours = grid_of(api.get("read", accept, filter="id"))
    assert [col.name for col in grid.cols] == ours.names
    assert [row["id"].val for row in grid.rows] == [row["id"].id for row in ours]
    assert [set(row) for row in grid.rows] == [set(row) for row in ours]


def test_null_rows_and_empty_grids(api: Api, accept: str) -> None:
    body = 'ver:"3.0"\nid\n@p1\n@nope\n@p2\n'
    rows = decoded(api.post("read", body, accept=accept)).rows
    found = [row["id"].val if row else None for row in rows]
    # phable's Zinc reader leaves out rows without any value
    assert found == (["p1", None, "p2"] if accept == JSON else ["p1", "p2"])
    assert list(decoded(api.get("read", accept, filter="missing")).rows) == []
    assert list(decoded(api.get("read", accept, id="@missing")).rows) == []


def test_error_grids(api: Api, accept: str) -> None:
    meta = decoded(api.get("read", accept, filter="==")).meta
    assert meta["err"] == phable.Marker()
    assert "tag name" in meta["dis"]


def test_history(api: Api, accept: str) -> None:
    store = storages["default"]
    times = [at(f"{DAY} 0{hour}:00") for hour in range(4)]
    values = [Number(71.5, "°F"), Number(72), NA, Number(-0.25)]
    store.his_write("p1", zip(times, values, strict=True))
    store.his_write("p2", [(times[1], True)])
    grid = decoded(api.get("hisRead", accept, id="@p1", range=DAY))
    assert grid.meta["id"] == phable.Ref("p1")
    assert grid.meta["hisStart"] == dt.datetime(2024, 3, 2, tzinfo=NEW_YORK)
    assert grid.meta["hisEnd"] == dt.datetime(2024, 3, 3, tzinfo=NEW_YORK)
    assert [row["ts"] for row in grid.rows] == [
        dt.datetime(2024, 3, 2, hour, tzinfo=NEW_YORK) for hour in range(4)
    ]
    assert [row["val"] for row in grid.rows] == [
        phable.Number(71.5, "°F"),
        phable.Number(72, "°F"),
        phable.NA(),
        phable.Number(-0.25, "°F"),
    ]
    body = f'ver:"3.0" range:"{DAY}"\nid\n@p1\n@p2\n'
    batch = decoded(api.post("hisRead", body, accept=accept))
    assert [(col.name, (col.meta or {}).get("id")) for col in batch.cols] == [
        ("ts", None),
        ("v0", phable.Ref("p1")),
        ("v1", phable.Ref("p2")),
    ]
    assert [row.get("v1") for row in batch.rows] == [None, True, None, None]


def test_the_other_ops(api: Api, accept: str) -> None:
    for op in ("about", "ops", "formats", "nav"):
        ours = grid_of(api.get(op, accept))
        theirs = decoded(api.get(op, accept))
        assert [col.name for col in theirs.cols] == ours.names
        assert len(theirs.rows) == len(list(ours)) > 0


def test_what_phable_writes(staff: Api, accept: str) -> None:
    """Its grids loaded by us come back as they were."""
    cols = [phable.GridCol(name) for name in THEIRS]
    row = {name: val for name, val in THEIRS.items() if name != "unicode"}
    grid = phable.Grid({"ver": "3.0"}, cols, [row])
    write = phable.ph_to_json if accept == JSON else phable.ph_to_zinc
    response = staff.post("load", write(grid), accept)
    assert not grid_of(response).is_error, grid_of(response).meta
    stored = tags_of(storages["default"], "all")
    assert stored == {name: val for name, val in OURS.items() if name != "unicode"}


# -- its client, against the whole server ----------------------------------------


@pytest.fixture(params=["json", "zinc"])
def client(
    scram_passwords: None, live: Any, request: pytest.FixtureRequest
) -> phable.HaxallClient:
    uri = f"http://127.0.0.1:{live().port}/api"
    return phable.HaxallClient.open(uri, "alice", PASSWORD, content_type=request.param)


@contextmanager
def refusal(why: str) -> Iterator[None]:
    """The message of the error grid that the client raises."""
    with pytest.raises(CallError) as raised:
        yield
    assert why in raised.value.help_msg.meta["dis"]


def test_its_commits(client: phable.HaxallClient) -> None:
    added = client.commit_add([{"dis": "New", "site": phable.Marker()}, {"dis": "Two"}])
    one, two = (dict(row) for row in added.rows)
    assert one == client.read_by_id(one["id"])
    assert (one["dis"], one["site"]) == ("New", phable.Marker())
    changed = client.commit_update({**one, "dis": "Changed", "site": phable.Remove()})
    assert changed.rows[0]["dis"] == "Changed"
    assert "site" not in client.read_by_id(one["id"])
    with refusal("changed since it was read"):
        client.commit_update({**one, "dis": "Stale"})
    with refusal("changed since it was read"):
        client.commit_remove([two, one])
    assert list(client.commit_remove([two, changed.rows[0]]).rows) == []
    with pytest.raises(phable.UnknownRecError):
        client.read_by_id(two["id"])


def test_its_point_writes(client: phable.HaxallClient) -> None:
    store = storages["default"]
    store.load_entities([point("w", unit="°F", writable=MARKER)])
    id = phable.Ref("w")
    client.point_write(id, 17, phable.Number(60, "°F"))
    client.point_write(id, 8, phable.Number(70), "joe", phable.Number(1, "h"))
    rows = client.point_write_array(id).rows
    assert [row["level"] for row in rows] == [phable.Number(n) for n in range(1, 18)]
    manual, default = rows[7], rows[16]
    assert (manual["val"], manual["who"]) == (phable.Number(70, "°F"), "joe")
    assert manual["expires"] > dt.datetime.now(dt.UTC)
    assert (default["val"], default["who"]) == (phable.Number(60, "°F"), "alice")
    assert tags_of(store, "w")["writeVal"] == Number(70, "°F")
    client.point_write(id, 8)
    assert tags_of(store, "w")["writeVal"] == Number(60, "°F")
    with refusal("val must be a Number"):
        client.point_write(id, 8, "hot")
    with refusal("unknown entity @missing"):
        client.point_write_array(phable.Ref("missing"))


def test_it_can_invoke_actions(client: phable.HaxallClient) -> None:
    storages["default"].load_entities([point("w", writable=MARKER)])
    meta = {"id": phable.Ref("w"), "action": "release"}
    answer = client.call("invokeAction", phable.Grid.to_grid({"a": "x"}, meta))
    assert answer.rows[0]["released"] == phable.Number(0)
    with refusal("unknown action"):
        client.call(
            "invokeAction", phable.Grid.to_grid({"a": "x"}, meta | {"action": "no"})
        )
