"""The ops over HTTP, by GET and by POST."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.urls import resolve

from haystack_app.kinds import MARKER, NA, REMOVE, Col, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_reader, hayson_writer
from tests.api.conftest import Api, grid_of, ids_of
from tests.defects.building import at, point

DAY = "2024-03-02"
JSON = "application/json"


def ids_grid(*ids: str, **meta: Any) -> Grid:
    return Grid((Col("id"),), [{"id": Ref(id)} for id in ids], meta)


# -- about, ops, formats ------------------------------------------------------


def test_about(api: Api) -> None:
    [row] = grid_of(api.get("about"))
    assert row["haystackVersion"] == "4.0"
    assert row["whoami"] == "alice"
    assert row["tz"] == "UTC"
    names = ["serverName", "productName", "productVersion", "vendorName", "vendorUri"]
    assert set(names) | {"moduleName", "moduleVersion", "productUri"} <= row.keys()
    age = dt.datetime.now(dt.UTC) - row["serverTime"].utc
    assert abs(age) < dt.timedelta(seconds=10)
    assert row["serverBootTime"].utc <= row["serverTime"].utc


def test_ops(api: Api) -> None:
    rows = {row["name"]: row for row in grid_of(api.get("ops"))}
    assert set(rows) >= {
        *("about", "ops", "formats", "read", "nav"),
        *("hisRead", "hisWrite", "load", "close"),
    }
    assert str(rows["read"]["def"]) == "^op:read"
    reading = {name for name, row in rows.items() if "noSideEffects" in row}
    assert reading >= {"about", "ops", "formats", "read", "nav", "hisRead"}
    assert not reading & {"hisWrite", "load", "close"}
    [row] = grid_of(api.get("ops", filter='name=="read"'))
    assert row["name"] == "read"
    assert len(list(grid_of(api.get("ops", limit="2")))) == 2
    assert "column" in api.error(api.get("ops", filter="=="))


def test_echo(api: Api) -> None:
    """It turns each format into each other one, and says what is invalid, and where."""
    rows = [{"name": "low", "limit": Number(20, "°C")}]
    nested = Grid([Col("name"), Col("limit")], rows, {"note": "x"})
    grid = Grid.of([{"a": nested, "b": [MARKER, None]}])
    answer = api.post("echo", grid, accept=JSON)
    found = hayson_reader.read_grid(answer.content)
    assert found == grid
    answer = api.post("echo", answer.content, JSON, accept="text/zinc")
    assert grid_of(answer) == grid
    assert [dict(row) for row in grid_of(api.get("echo", a="5kW"))] == [
        {"a": Number(5, "kW")}
    ]
    refused = api.post("echo", 'ver:"3.0"\na,b\n1,<<\n', accept=JSON)
    assert refused.status_code == 400 and "line 4" in refused.json()["dis"]


def test_formats(api: Api) -> None:
    rows = {row["mime"]: row for row in grid_of(api.get("formats"))}
    for mime in ("text/zinc", JSON, "application/vnd.haystack+json"):
        assert rows[mime]["receive"] is rows[mime]["send"] is MARKER


# -- read and nav -------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("site", ["s1", "s2"]),
        ('"site"', ["s1", "s2"]),
        ("siteRef==@s1 and point", ["p1", "p2"]),
        ('dis=="Alpha"', ["s1"]),
        ("area > 1000ft²", ["s1"]),
        ("curVal > 50°F", ["p1"]),
        ("not siteRef->site", ["d", "n", "s1", "s2"]),
        ("^equip", ["e1"]),
        ("missing", []),
    ],
)
def test_read_by_filter(api: Api, filter: str, expected: list[str]) -> None:
    assert api.ids(filter=filter) == expected
    if filter[0] != '"':
        request = Grid.of([{"filter": filter}])
        assert sorted(ids_of(api.post("read", request)), key=str) == expected


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        *(("1", 1), ("0", 0), ("-1", 0), ("100", 4), ("1.5", 1), ("abc", 4), ("", 4)),
        *(('"1"', 4), ("1e30", 4), ("INF", 4), ("NaN", 4), ("-1e30", 0), ("1kW", 1)),
    ],
)
def test_limits(api: Api, limit: str, count: int) -> None:
    found = api.ids(filter="point and siteRef", limit=limit)
    assert len(found) == count


def test_read_by_ids(api: Api) -> None:
    asked = ["p2", "missing", "s1", "p2"]
    assert ids_of(api.post("read", ids_grid(*asked))) == ["p2", None, "s1", "p2"]
    assert api.ids(id="@s1") == ["s1"]
    hayson = hayson_writer.grid_text(ids_grid(*asked))
    response = api.post("read", hayson, JSON, accept=JSON)
    assert response.json()["rows"][1] == {}
    assert ids_of(response) == ["p2", None, "s1", "p2"]


def test_read_by_ids_that_are_all_unknown(api: Api) -> None:
    for response in (
        api.get("read", id="@no"),
        api.post("read", ids_grid("no", "no2")),
    ):
        assert list(grid_of(response)) == []
    assert ids_of(api.post("read", ids_grid())) == []


def test_null_rows(api: Api) -> None:
    storages["default"].load_entities([{"id": Ref("bare")}])
    response = api.post("read", ids_grid("no", "bare", "no"))
    mod = storages["default"].existing("bare")["mod"]
    assert response.content.decode() == f'ver:"3.0"\nid,mod\n,\n@bare,{mod.iso}\n,\n\n'


def test_a_filter_wins_over_ids(api: Api) -> None:
    assert api.ids(filter="equip", id="@s1") == ["e1"]


def test_trash_is_hidden(api: Api) -> None:
    assert storages["default"].existing("gone")
    assert api.ids(filter="trash") == []
    assert "gone" not in api.ids(filter="point")
    assert "gone" not in api.ids(filter="point or trash")
    assert ids_of(api.post("read", ids_grid("gone", "s1"))) == [None, "s1"]
    assert list(grid_of(api.get("read", id="@gone"))) == []


def test_nav(api: Api) -> None:
    def children(**arguments: str) -> dict[str, Any]:
        rows = list(grid_of(api.get("nav", **arguments)))
        return {row["id"].id: row.get("navId") for row in rows}

    root = {"s1": Ref("s1"), "s2": Ref("s2")}
    assert children() == children(navId="N") == root
    assert children(navId="@s2") == children(navId="s2") == {"p3": None, "p4": None}
    assert children(navId='"s2"') == children(navId='"@s2"') == children(navId="@s2")
    assert children(navId="@e1") == children(navId="@p1") == {}
    assert "unknown entity @no" in api.error(api.get("nav", navId="@no"))
    assert "navId" in api.error(api.get("nav", navId="5"))


# -- hisRead ------------------------------------------------------------------


def hourly(id: str, start: DateTime, count: int) -> None:
    storages["default"].his_write(
        id,
        [
            (DateTime(start.utc + n * dt.timedelta(hours=1), start.tz), Number(n))
            for n in range(count)
        ],
    )


def values(response: Any) -> list[float]:
    assert response.status_code == 200
    grid = grid_of(response)
    assert not grid.is_error, grid.meta
    return [row["val"].val for row in grid]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        (DAY, 0, 23),
        (f'"{DAY}"', 0, 23),
        (f"{DAY},2024-03-03", 0, 47),
        (f'"{DAY}, 2024-03-03"', 0, 47),
        (f"{DAY}T05:00:00-05:00 New_York", 5, 71),
        (f"{DAY}T10:00:00Z", 5, 71),
        (f"{DAY}T05:00:00-05:00 New_York,{DAY}T07:00:00-05:00 New_York", 5, 6),
        (f"{DAY}T10:00:00Z,{DAY}T12:00:00Z UTC", 5, 6),
    ],
)
def test_ranges_by_get_and_post(api: Api, asked: str, first: int, last: int) -> None:
    hourly("n", at(f"{DAY} 00:00"), 72)
    expected = [float(n) for n in range(first, last + 1)]
    response = api.get("hisRead", id="@n", range=asked)
    assert values(response) == expected
    grid = grid_of(api.get("hisRead", id="@n", range=asked))
    assert grid.meta["id"] == Ref("n")
    assert grid.meta["hisStart"] == grid.first["ts"]
    assert {row["ts"].tz for row in grid} == {"New_York"}
    request = Grid.of([{"id": Ref("n"), "range": asked.strip('"')}])
    for accept in ("text/zinc", JSON):
        assert values(api.post("hisRead", request, accept=accept)) == expected


def test_a_range_as_date_or_date_time_value(api: Api) -> None:
    hourly("n", at(f"{DAY} 00:00"), 72)
    for value, count in ((dt.date(2024, 3, 2), 24), (at("2024-03-04 12:00"), 12)):
        request = Grid.of([{"id": Ref("n"), "range": value}])
        assert len(values(api.post("hisRead", request))) == count


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-11-03", 25), ("2024-03-10", 23), (DAY, 24)]
)
def test_days_when_the_clocks_change(api: Api, day: str, hours: int) -> None:
    start = at(f"{day} 00:00")
    before = DateTime(start.utc - dt.timedelta(hours=5), start.tz)
    hourly("n", before, 40)
    assert len(values(api.get("hisRead", id="@n", range=day))) == hours


@time_machine.travel(dt.datetime(2024, 5, 15, 9, 28, tzinfo=dt.UTC), tick=False)
def test_today_is_that_of_the_points_zone(api: Api) -> None:
    """In Kiritimati (+14:00) it is 23:28, in Niue (-11:00) the day before."""
    for tz, today in (("Kiritimati", "2024-05-15"), ("Niue", "2024-05-14")):
        storages["default"].load_entities([point("k", tz=tz)])
        hourly("k", DateTime(dt.datetime(2024, 5, 12, tzinfo=dt.UTC), tz), 96)
        for range, start in (
            ("today", at(f"{today} 00:00", tz)),
            ("yesterday", at(f"{today} 00:00", tz)),
        ):
            grid = grid_of(api.get("hisRead", id="@k", range=range))
            days = dt.timedelta(days=range == "yesterday")
            assert grid.meta["hisStart"].utc == start.utc - days
            assert len(list(grid)) == 24
        storages["default"].commit([], remove=["k"])


def test_batch_read(api: Api) -> None:
    one, two, three = (at(f"{DAY} 0{hour}:00") for hour in (1, 2, 3))
    store = storages["default"]
    store.his_write("n", [(one, Number(1)), (three, NA)])
    store.his_write("p2", [(two, True), (three, False)])
    request = ids_grid("n", "p2", "n", range=DAY)
    for accept in ("text/zinc", JSON):
        grid = grid_of(api.post("hisRead", request, accept=accept))
        assert grid.meta == {
            "hisStart": at(f"{DAY} 00:00"),
            "hisEnd": at("2024-03-03 00:00"),
        }
        assert [(col.name, dict(col.meta)) for col in grid.cols] == [
            ("ts", {}),
            ("v0", {"id": Ref("n")}),
            ("v1", {"id": Ref("p2")}),
            ("v2", {"id": Ref("n")}),
        ]
        assert list(grid) == [
            {"ts": one, "v0": Number(1), "v2": Number(1)},
            {"ts": two, "v1": True},
            {"ts": three, "v0": NA, "v1": False, "v2": NA},
        ]


def test_batch_read_in_several_zones(api: Api) -> None:
    hourly("n", at(f"{DAY} 00:00"), 30)
    hourly("d", at(f"{DAY} 00:00", "Denver"), 30)
    request = ids_grid("n", "d", range=DAY)
    assert "Denver, New_York" in api.error(api.post("hisRead", request))
    grid = grid_of(api.post("hisRead", ids_grid("n", "d", range=DAY, tz="Denver")))
    assert grid.meta["hisStart"] == at(f"{DAY} 00:00", "Denver")
    assert {row["ts"].tz for row in grid} == {"Denver"}
    assert len(list(grid)) == 24
    assert sum("v0" in row for row in grid) == 24
    request = ids_grid("n", range=DAY, tz="Nowhere")
    assert "Nowhere" in api.error(api.post("hisRead", request))
    request = ids_grid("n", range=DAY, tz=Number(5))
    assert "tz" in api.error(api.post("hisRead", request))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "missing id"),
        ({"id": "@n"}, "missing range"),
        ({"id": "@missing", "range": DAY}, "unknown entity @missing"),
        ({"id": "missing", "range": DAY}, "id must be a Ref"),
        ({"id": "@s1", "range": DAY}, "@s1 has no history"),
        ({"id": "@e1", "range": DAY}, "@e1 has no history"),
        ({"id": "@n", "range": "lastWeek"}, '"lastWeek"'),
        ({"id": "@n", "range": "2024"}, "range"),
        ({"id": "@n", "range": "2024-02-30"}, "2024-02-30"),
        ({"id": "@n", "range": f"{DAY},{DAY},{DAY}"}, "range"),
        ({"id": "@n", "range": f"{DAY},{DAY}T00:00:00Z"}, "range"),
        ({"id": "@n", "range": f"{DAY}T00:00:00-05:00"}, "time zone"),
        ({"id": "@n", "range": f"{DAY}T00:00:00-05:00 Nowhere"}, "Nowhere"),
        ({"id": "@n", "range": "0000-01-01"}, "0000-01-01"),
        ({"id": "@n", "range": "a\0b"}, "range"),
        ({"id": "@n", "range": "T"}, "range"),
        ({"id": "@n", "range": "[1,2]"}, "range"),
    ],
)
def test_invalid_his_reads(api: Api, arguments: dict[str, str], why: str) -> None:
    assert why in api.error(api.get("hisRead", **arguments))


def test_batch_read_without_ids(api: Api) -> None:
    assert "ids" in api.error(api.post("hisRead", ids_grid(range=DAY)))
    request = ids_grid("n", "missing", range=DAY)
    assert "@missing" in api.error(api.post("hisRead", request))


# -- hisWrite -----------------------------------------------------------------


def samples(*rows: tuple[Any, Any], id: str = "n") -> Grid:
    found = [{"ts": ts, "val": val} for ts, val in rows]
    return Grid((Col("ts"), Col("val")), found, {"id": Ref(id)})


@pytest.mark.parametrize("content_type", ["text/zinc", JSON])
def test_his_write(api: Api, content_type: str) -> None:
    one, two = at(f"{DAY} 01:00"), at(f"{DAY} 02:00")
    request: Any = samples((two, Number(2)), (one, Number(1)))
    if content_type == JSON:
        request = hayson_writer.grid_text(request)
    response = api.post("hisWrite", request, content_type)
    assert response.content == b'ver:"3.0"\nempty\n\n'
    assert values(api.get("hisRead", id="@n", range=DAY)) == [1, 2]
    api.post("hisWrite", samples((one, REMOVE)))
    assert values(api.get("hisRead", id="@n", range=DAY)) == [2]


def test_batch_write(api: Api) -> None:
    one, two = at(f"{DAY} 01:00"), at(f"{DAY} 02:00")
    cols = (Col("ts"), Col("a", {"id": Ref("n")}), Col("b", {"id": Ref("p2")}))
    rows = [{"ts": one, "a": Number(1), "b": True}, {"ts": two, "b": False}]
    assert not grid_of(api.post("hisWrite", Grid(cols, rows))).is_error
    answer = grid_of(api.post("hisRead", ids_grid("n", "p2", range=DAY)))
    assert [(row.get("v0"), row.get("v1")) for row in answer] == [
        (Number(1), True),
        (None, False),
    ]


def test_a_batch_is_stored_whole_or_not_at_all(api: Api) -> None:
    cols = (Col("ts"), Col("a", {"id": Ref("n")}), Col("b", {"id": Ref("p2")}))
    rows = [{"ts": at(f"{DAY} 01:00"), "a": Number(1), "b": "no Bool"}]
    why = api.error(api.post("hisWrite", Grid(cols, rows)))
    assert "@p2, sample 1: value must be a Bool" in why
    assert values(api.get("hisRead", id="@n", range=DAY)) == []


@pytest.mark.parametrize(
    ("request_grid", "why"),
    [
        (samples((at(f"{DAY} 01:00", "UTC"), Number(1))), "zone UTC"),
        (samples((at(f"{DAY} 01:00"), "12.5")), "must be a Number"),
        (samples((at(f"{DAY} 01:00"), Number(1, "kW"))), "unit must be none, not kW"),
        (samples((None, Number(1))), "DateTime"),
        (samples((at("1949-01-01 01:00"), Number(1))), "1950"),
        (samples((at(f"{DAY} 01:00"), Number(1)), id="missing"), "@missing"),
        (samples((at(f"{DAY} 01:00"), Number(1)), id="s1"), "@s1"),
        (Grid((Col("ts"), Col("v")), [], {"id": Ref("n")}), "missing column val"),
        (Grid((Col("ts"), Col("val")), [], {"id": "n"}), "meta id"),
        (Grid((Col("ts"), Col("val")), []), "id in the meta of column val"),
        (Grid((Col("val", {"id": Ref("n")}), Col("ts")), []), "first column"),
        (
            Grid(
                (Col("ts"), Col("a", {"id": Ref("n")}), Col("b", {"id": Ref("n")})), []
            ),
            "duplicate column for @n",
        ),
    ],
)
def test_invalid_his_writes(api: Api, request_grid: Grid, why: str) -> None:
    assert why in api.error(api.post("hisWrite", request_grid))
    assert values(api.get("hisRead", id="@n", range="1950-01-01,2030-01-01")) == []


# -- load ---------------------------------------------------------------------


def counts(response: Any) -> tuple[float, ...]:
    row = grid_of(response).first
    return tuple(row[name].val for name in ("created", "updated", "unchanged"))


def test_load(staff: Api) -> None:
    rows = [{"id": Ref("new"), "dis": "1"}, {"id": Ref("s2"), "site": MARKER}]
    assert counts(staff.post("load", Grid.of(rows))) == (1, 1, 0)
    hayson = hayson_writer.grid_text(Grid.of(rows))
    assert counts(staff.post("load", hayson, JSON)) == (0, 0, 2)
    as_list = hayson_writer.dump(rows)
    assert counts(staff.post("load", as_list, JSON)) == (0, 0, 2)
    assert counts(staff.post("load", "[]", JSON)) == (0, 0, 0)
    assert staff.ids(filter='dis=="1"') == ["new"]


def test_load_is_all_or_nothing(staff: Api) -> None:
    rows: list[dict[str, Any]] = [{"id": Ref("new")}, {"id": "no ref"}]
    assert "row 2: id must be a Ref" in staff.error(staff.post("load", Grid.of(rows)))
    rows = [{"id": Ref("new")}, {"id": Ref("x")}, {"id": Ref("new")}]
    assert "@new" in staff.error(staff.post("load", Grid.of(rows)))
    assert staff.ids(id="@new") == []
    assert len(staff.ids(filter="id")) == 9


@pytest.mark.parametrize(
    "body", ["5", '"a"', "[1]", "[[]]", "[null]", '{"a":1}', "[{]"]
)
def test_load_of_other_values(staff: Api, body: str) -> None:
    assert staff.post("load", body, JSON).status_code == 400


@pytest.mark.parametrize("path", ["read", "read/", "memory/read", "nosuch"])
def test_routes_of_ops_have_one_name(path: str) -> None:
    """Requests are counted by it; with replicas, other routes note writes."""
    assert resolve(f"/api/{path}").url_name == "op"
