"""hisRead over HTTP, by the sentences of docHaystack Ops."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from haystack_app.kinds import MARKER, Col, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of
from tests.api.test_ops import hourly, ids_grid
from tests.defects.building import at, point

DAY = "2024-03-02"
HOUR = dt.timedelta(hours=1)
JSON = "application/json"


def asked(api: Api, id: str, range: Any, accept: str = "text/zinc") -> Grid:
    request = Grid.of([{"id": Ref(id), "range": range}])
    grid = grid_of(api.post("hisRead", request, accept=accept))
    assert not grid.is_error, grid.meta
    return grid


def texts(grid: Grid) -> list[str]:
    return [str(row["ts"]) for row in grid]


# -- what a range means -------------------------------------------------------


def test_the_start_is_included_and_the_end_is_not(api: Api) -> None:
    hourly("n", at("2024-03-01 23:00"), 26)
    found = texts(asked(api, "n", DAY))
    assert found[0] == f"{DAY}T00:00:00-05:00 New_York"
    assert found[-1] == f"{DAY}T23:00:00-05:00 New_York"
    pair = f"{found[3]},{found[5]}"
    assert texts(asked(api, "n", pair)) == found[3:5]
    assert texts(asked(api, "n", f"{found[3]},{found[3]}")) == []


def test_the_last_date_of_a_pair_is_included(api: Api) -> None:
    hourly("n", at("2024-03-01 00:00"), 96)
    for blank in ("", " "):
        grid = asked(api, "n", f"2024-03-01{blank},{blank}2024-03-03")
        assert len(list(grid)) == 72
        assert grid.meta["hisEnd"] == at("2024-03-04 00:00")
    assert len(list(asked(api, "n", "2024-03-01,2024-03-01"))) == 24


@pytest.mark.parametrize(
    ("day", "zone", "hours", "first", "last"),
    [
        ("2024-03-10", "New_York", 23, "T00:00:00-05:00", "T23:00:00-04:00"),
        ("2024-11-03", "New_York", 25, "T00:00:00-04:00", "T23:00:00-05:00"),
        ("2024-03-31", "Berlin", 23, "T00:00:00+01:00", "T23:00:00+02:00"),
        ("2024-10-27", "Berlin", 25, "T00:00:00+02:00", "T23:00:00+01:00"),
        # the clocks change by half an hour; at midnight
        ("2024-10-06", "Lord_Howe", 24, "T00:00:00+10:30", "T23:30:00+11:00"),
        ("2024-09-08", "Santiago", 23, "T01:00:00-03:00", "T23:00:00-03:00"),
        ("2024-06-01", "Kolkata", 24, "T00:00:00+05:30", "T23:00:00+05:30"),
    ],
)
@pytest.mark.parametrize("accept", ["text/zinc", JSON])
def test_days_when_the_clocks_change(
    api: Api, day: str, zone: str, hours: int, first: str, last: str, accept: str
) -> None:
    storages["default"].load_entities([point("z", tz=zone)])
    before = at(f"{day} 00:00", zone).utc - 3 * HOUR
    hourly("z", DateTime(before, zone), 40)
    as_text, as_date = (
        asked(api, "z", range, accept) for range in (day, dt.date.fromisoformat(day))
    )
    found = texts(as_text)
    assert len(found) == hours
    assert (found[0], found[-1]) == (f"{day}{first} {zone}", f"{day}{last} {zone}")
    assert texts(as_date) == found
    length = as_text.meta["hisEnd"].utc - as_text.meta["hisStart"].utc
    assert length - hours * HOUR in (dt.timedelta(), dt.timedelta(minutes=-30))


def test_instants_are_converted_to_the_points_zone(api: Api) -> None:
    hourly("d", at(f"{DAY} 00:00", "Denver"), 24)
    pair = f"{DAY}T12:00:00+05:30 Kolkata,{DAY}T14:00:00+05:30 Kolkata"
    grid = asked(api, "d", f"{DAY}T10:00:00Z,{DAY}T12:00:00-05:00 New_York")
    assert texts(grid)[0] == f"{DAY}T03:00:00-07:00 Denver"
    assert texts(grid)[-1] == f"{DAY}T09:00:00-07:00 Denver"
    assert grid.meta["hisStart"] == at(f"{DAY} 03:00", "Denver")
    assert grid.meta["hisEnd"] == at(f"{DAY} 10:00", "Denver")
    assert {value.tz for value in grid.meta.values() if value != Ref("d")} == {"Denver"}
    assert asked(api, "d", pair).meta["hisStart"].tz == "Denver"


@pytest.mark.parametrize("as_text", [True, False])
def test_one_instant_is_an_open_range(api: Api, as_text: bool) -> None:
    """Including future samples, after which hisEnd is."""
    hourly("n", at(f"{DAY} 00:00"), 48)
    start = at(f"{DAY} 20:00")
    with time_machine.travel(at("2024-03-03 12:00").utc, tick=False):
        grid = asked(api, "n", str(start) if as_text else start)
        assert len(list(grid)) == 28
        assert grid.meta["hisStart"] == start
        end = grid.meta["hisEnd"].utc
        assert end == at("2024-03-03 23:00").utc + dt.timedelta(milliseconds=1)
        ahead = asked(api, "n", at("2024-03-05 20:00"))
        assert len(list(ahead)) == 0
        assert ahead.meta["hisEnd"] == ahead.meta["hisStart"]
    with time_machine.travel(at("2024-03-05 12:00").utc, tick=False):
        grid = asked(api, "n", str(start) if as_text else start)
        assert grid.meta["hisEnd"] == at("2024-03-05 12:00")


def test_samples_outside_the_range_are_excluded(api: Api) -> None:
    hourly("n", at("2024-03-01 23:00"), 1)
    hourly("n", at("2024-03-03 00:00"), 1)
    grid = asked(api, "n", DAY)
    assert list(grid) == []
    assert grid.names == ["ts", "val"]
    assert list(grid.meta) == ["id", "hisStart", "hisEnd"]


# -- batches ------------------------------------------------------------------

RANGES = [
    (DAY, 24),
    (dt.date(2024, 3, 2), 24),
    (f"{DAY}, 2024-03-03", 48),
    (at(f"{DAY} 22:00"), 50),
    (str(at(f"{DAY} 22:00")), 50),
    (f"{DAY}T05:00:00Z,{DAY}T07:00:00Z", 2),
]


@pytest.mark.parametrize(("range", "count"), RANGES)
def test_the_range_of_a_batch(api: Api, range: Any, count: int) -> None:
    hourly("n", at(f"{DAY} 00:00"), 72)
    for accept in ("text/zinc", JSON):
        request = ids_grid("n", "p2", range=range)
        grid = grid_of(api.post("hisRead", request, accept=accept))
        assert len(list(grid)) == count
        assert grid.names == ["ts", "v0", "v1"]
        assert list(grid.meta) == ["hisStart", "hisEnd"]
        assert {row["ts"].tz for row in grid} == {"New_York"}


def test_a_batch_of_one(api: Api) -> None:
    hourly("n", at(f"{DAY} 00:00"), 2)
    grid = grid_of(api.post("hisRead", ids_grid("n", range=DAY)))
    assert [(col.name, dict(col.meta)) for col in grid.cols] == [
        ("ts", {}),
        ("v0", {"id": Ref("n")}),
    ]
    assert "id" not in grid.meta
    assert [row["v0"] for row in grid] == [Number(0), Number(1)]


def test_a_repeated_id_is_a_repeated_column(api: Api) -> None:
    hourly("n", at(f"{DAY} 00:00"), 2)
    grid = grid_of(api.post("hisRead", ids_grid("n", "p2", "n", "n", range=DAY)))
    assert grid.names == ["ts", "v0", "v1", "v2", "v3"]
    assert [col.meta["id"].id for col in grid.cols[1:]] == ["n", "p2", "n", "n"]
    for row in grid:
        assert row["v0"] == row["v2"] == row["v3"]
        assert "v1" not in row


def test_points_that_share_a_zone_need_no_tz(api: Api) -> None:
    hourly("d", at(f"{DAY} 00:00", "Denver"), 24)
    grid = grid_of(api.post("hisRead", ids_grid("d", "p4", range=DAY)))
    assert grid.meta["hisStart"] == at(f"{DAY} 00:00", "Denver")
    assert len(list(grid)) == 24


def test_with_tz_the_dates_are_of_that_zone(api: Api) -> None:
    hourly("n", at("2024-03-01 00:00"), 96)
    hourly("d", at("2024-03-01 00:00", "Denver"), 96)
    for tz, ids in (("Denver", ["n", "d"]), ("Kolkata", ["n", "d"]), ("UTC", ["n"])):
        grid = grid_of(api.post("hisRead", ids_grid(*ids, range=DAY, tz=tz)))
        assert grid.meta["hisStart"] == at(f"{DAY} 00:00", tz)
        assert grid.meta["hisEnd"] == at("2024-03-03 00:00", tz)
        assert {row["ts"].tz for row in grid} == {tz}
        assert len(list(grid)) == 24
        assert list(grid) == sorted(grid, key=lambda row: row["ts"].utc)


@pytest.mark.parametrize(
    ("request_grid", "why"),
    [
        (ids_grid("n", "d", range=DAY), "missing meta tz"),
        (ids_grid("n", range=DAY, tz="Nowhere"), "Nowhere"),
        (ids_grid("n", range=DAY, tz="America/Nowhere"), "America/Nowhere"),
        (ids_grid("n", range=DAY, tz=MARKER), "tz must be a Str"),
        (ids_grid("n", "missing", range=DAY), "unknown entity @missing"),
        (ids_grid("n", "s1", range=DAY), "@s1 has no history"),
        (ids_grid(range=DAY), "rows with ids"),
        (ids_grid("n", range="lastWeek"), '"lastWeek"'),
        (ids_grid("n", range=Number(5)), "range"),
        (ids_grid("n"), "missing range"),
        (ids_grid("n", "d"), "missing range"),
        (Grid((Col("id"),), [{}], {"range": DAY}), "missing id in row 1"),
        (Grid((Col("id"),), [{"id": "n"}], {"range": DAY}), "id in row 1 must be"),
    ],
)
def test_invalid_batches(api: Api, request_grid: Grid, why: str) -> None:
    assert why in api.error(api.post("hisRead", request_grid))


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"point": None}, "no tag 'point'"),
        ({"his": None}, "no tag 'his'"),
        ({"tz": None}, "no tag 'tz'"),
        ({"tz": "Nowhere"}, 'not a time zone: "Nowhere"'),
        ({"tz": Number(5)}, "not a time zone"),
    ],
)
def test_points_without_a_history(api: Api, tags: dict[str, Any], why: str) -> None:
    record = {**point("bad"), **tags}
    store = storages["default"]
    store.load_entities([{name: val for name, val in record.items() if val}])
    for request in (
        Grid.of([{"id": Ref("bad"), "range": DAY}]),
        ids_grid("bad", range=DAY),
    ):
        reason = api.error(api.post("hisRead", request))
        assert "@bad" in reason
        assert why in reason


def test_only_the_first_row_counts_without_a_range_in_the_meta(api: Api) -> None:
    hourly("n", at(f"{DAY} 00:00"), 2)
    rows = [{"id": Ref("n"), "range": DAY}, {"id": Ref("s1"), "range": "lastWeek"}]
    assert len(list(grid_of(api.post("hisRead", Grid.of(rows))))) == 2


def test_point_in_the_trash_is_unknown(api: Api) -> None:
    for request in (
        Grid.of([{"id": Ref("gone"), "range": DAY}]),
        ids_grid("n", "gone", range=DAY),
    ):
        assert "unknown entity @gone" in api.error(api.post("hisRead", request))
