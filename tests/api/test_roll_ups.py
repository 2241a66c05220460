"""Roll-ups of hisRead over HTTP, in each format."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import phable
import pytest

from haystack_app.kinds import MARKER, NA, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of
from tests.api.test_ops import ids_grid
from tests.api.test_phable import decoded
from tests.defects.building import at, point

JSON = "application/json"
DAY = "2024-03-10"  # of 23 hours in New_York
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture
def rising(api: Api) -> Api:
    """A day of quarter-hours in °F: 0, 1, 2, ..; NA at last."""
    store = storages["default"]
    store.load_entities(
        [
            point("t", unit="°F"),
            point("on", "Bool"),
            point("far", tz="Denver", unit="kW"),
        ]
    )
    start = at(f"{DAY} 00:00").utc
    times = [DateTime(start + n * QUARTER, "New_York") for n in range(23 * 4)]
    store.his_write(
        "t", [(ts, Number(n)) for n, ts in enumerate(times)] + [(times[-1], NA)]
    )
    store.his_write("on", [(ts, n % 4 == 3) for n, ts in enumerate(times)])
    store.his_write("far", [(DateTime(times[0].utc, "Denver"), Number(2))])
    return api


def asked(api: Api, accept: str = "text/zinc", id: str = "t", **arguments: Any) -> Grid:
    request = Grid.of([{"id": Ref(id), "range": DAY, **arguments}])
    grid = grid_of(api.post("hisRead", request, accept=accept))
    assert not grid.is_error, grid.meta
    return grid


@pytest.mark.parametrize("accept", ["text/zinc", JSON])
def test_one_fold(rising: Api, accept: str) -> None:
    grid = asked(rising, accept, rollup="avg", interval=Number(6, "hr"))
    assert [(col.name, dict(col.meta)) for col in grid.cols] == [
        ("ts", {}),
        ("val", {"rollup": "avg", "unit": "°F"}),
    ]
    assert dict(grid.meta) == {
        "id": Ref("t"),
        "hisStart": at(f"{DAY} 00:00"),
        "hisEnd": at("2024-03-11 00:00"),
        "rollup": "avg",
        "interval": Number(6, "hr"),
    }
    assert list(grid) == [
        {"ts": at(f"{DAY} 00:00"), "val": Number(9.5, "°F")},  # five hours
        {"ts": at(f"{DAY} 06:00"), "val": Number(31.5, "°F")},
        {"ts": at(f"{DAY} 12:00"), "val": Number(55.5, "°F")},
        {"ts": at(f"{DAY} 18:00"), "val": NA},
    ]


@pytest.mark.parametrize("accept", ["text/zinc", JSON])
def test_several_folds(rising: Api, accept: str) -> None:
    grid = asked(
        rising, accept, rollup="min, spread,count,last", interval=Number(1, "day")
    )
    assert grid.names == ["ts", "min", "spread", "count", "last"]
    units = [col.meta.get("unit") for col in grid.cols]
    assert units == [None, "°F", "Δ°F", None, "°F"]
    assert grid.meta["rollup"] == "min,spread,count,last"
    assert list(grid) == [
        {
            "ts": at(f"{DAY} 00:00"),
            "min": NA,
            "spread": NA,
            "count": Number(92),
            "last": NA,
        }
    ]


def test_a_get_request(rising: Api) -> None:
    grid = grid_of(
        rising.get(
            "hisRead",
            id="@t",
            range=f"{DAY}T12:30:00-04:00 New_York,{DAY}T14:00:00-04:00 New_York",
            rollup="first,last",
            interval="1hr",
        )
    )
    assert "partial" in grid.meta
    assert list(grid) == [
        {"ts": at(f"{DAY} 12:00"), "first": Number(46, "°F"), "last": Number(47, "°F")},
        {"ts": at(f"{DAY} 13:00"), "first": Number(48, "°F"), "last": Number(51, "°F")},
    ]
    grid = grid_of(rising.get("hisRead", id="@t", range=DAY, maxPoints="8"))
    assert [row["val"] for row in grid] == [
        Number(0, "°F"),
        *(Number(n, "°F") for n in (45, 46, 90)),
        NA,
    ]


def test_the_automatic_interval(rising: Api) -> None:
    for points, interval in (
        (2_000, Number(1, "min")),
        (24, Number(1, "hr")),
        (22, Number(2, "hr")),
        (1, Number(1, "day")),
    ):
        grid = asked(rising, rollup="max", maxPoints=Number(points))
        assert grid.meta["interval"] == interval


@pytest.mark.parametrize("accept", ["text/zinc", JSON])
def test_a_batch(rising: Api, accept: str) -> None:
    request = ids_grid(
        "t", "on", range=DAY, rollup="avg,last", interval=Number(12, "hr")
    )
    grid = grid_of(rising.post("hisRead", request, accept=accept))
    assert [(col.name, dict(col.meta)) for col in grid.cols] == [
        ("ts", {}),
        ("v0", {"id": Ref("t"), "tz": "New_York", "rollup": "avg", "unit": "°F"}),
        ("v1", {"id": Ref("t"), "tz": "New_York", "rollup": "last", "unit": "°F"}),
        ("v2", {"id": Ref("on"), "tz": "New_York", "rollup": "avg"}),
        ("v3", {"id": Ref("on"), "tz": "New_York", "rollup": "last"}),
    ]
    assert list(grid) == [
        {
            "ts": at(f"{DAY} 00:00"),
            "v0": Number(21.5, "°F"),
            "v1": Number(43, "°F"),
            "v2": Number(0.25),
            "v3": True,
        },
        {"ts": at(f"{DAY} 12:00"), "v0": NA, "v1": NA, "v2": Number(0.25), "v3": True},
    ]


def test_a_batch_of_several_zones(rising: Api) -> None:
    folds = {"range": DAY, "rollup": "twa", "interval": Number(1, "day")}
    assert "missing meta tz" in rising.error(
        rising.post("hisRead", ids_grid("t", "far", **folds))
    )
    grid = grid_of(rising.post("hisRead", ids_grid("far", "on", tz="Denver", **folds)))
    assert [row["ts"] for row in grid] == [at(f"{DAY} 00:00", "Denver")]
    assert [dict(col.meta).get("unit") for col in grid.cols] == [None, "kW", None]


def test_a_batch_with_fewer_points(rising: Api) -> None:
    whole = grid_of(rising.post("hisRead", ids_grid("t", "on", range=DAY)))
    grid = grid_of(
        rising.post("hisRead", ids_grid("t", "on", "t", range=DAY, maxPoints=Number(8)))
    )
    assert grid.names == ["ts", "v0", "v1", "v2"]
    of_t = [row["v0"] for row in grid if "v0" in row]
    assert of_t == [row["v2"] for row in grid if "v2" in row]
    assert of_t == [row["val"] for row in asked(rising, maxPoints=Number(8))]
    every = {row["ts"].utc: row for row in whole}
    for row in grid:
        assert all(
            row[name] == every[row["ts"].utc][name]
            for name in ("v0", "v1")
            if name in row
        )


@pytest.mark.parametrize(
    "accept", ["application/json;version=3", "text/csv", "text/trio"]
)
def test_the_other_formats(rising: Api, accept: str) -> None:
    def text(**arguments: Any) -> str:
        request = Grid.of(
            [{"id": Ref("t"), "range": DAY, "interval": Number(12, "hr"), **arguments}]
        )
        answer = rising.post("hisRead", request, accept=accept)
        return (b"".join(answer) if answer.streaming else answer.content).decode()

    assert "21.5" in text(rollup="avg")
    several = text(rollup="min,max")
    for part in ("min", "max", "43"):
        assert part in several
    request = ids_grid("t", range=DAY, interval=Number(12, "hr"), rollup="min,max")
    batch = rising.post("hisRead", request, accept=accept)
    body = (b"".join(batch) if batch.streaming else batch.content).decode()
    if accept == "text/csv":
        assert body.splitlines()[0] == "ts,@t min,@t max"
    assert "43" in body


def test_phable_reads_roll_ups(rising: Api) -> None:
    for accept in ("text/zinc", JSON):
        request = Grid.of(
            [
                {
                    "id": Ref("t"),
                    "range": DAY,
                    "rollup": "min,max",
                    "interval": Number(12, "hr"),
                }
            ]
        )
        grid = decoded(rising.post("hisRead", request, accept=accept))
        midnight = dt.datetime(2024, 3, 10, tzinfo=ZoneInfo("America/New_York"))
        assert grid.rows[0] == {
            "ts": midnight,
            "min": phable.Number(0, "°F"),
            "max": phable.Number(43, "°F"),
        }
        assert grid.meta["interval"] == phable.Number(12, "hr")
        assert grid.cols[1].meta == {"rollup": "min", "unit": "°F"}


def test_a_counter(api: Api) -> None:
    store = storages["default"]
    store.load_entities([point("meter", unit="kWh", hisTotalized=MARKER)])
    times = [at(f"2024-03-0{day} 00:00") for day in (1, 2, 3, 4)]
    store.his_write("meter", list(zip(times, map(Number, (10, 25, 5, 9)), strict=True)))
    arguments = {
        "id": "meter",
        "range": "2024-03-01,2024-03-03",
        "interval": Number(1, "day"),
    }
    grid = asked(api, **arguments)
    assert grid.meta["rollup"] == "delta"
    assert [row["val"] for row in grid] == [Number(n, "kWh") for n in (15, 5, 4)]
    for fold, noted in (("sum", True), ("spread", True), ("delta", False)):
        col = asked(api, rollup=fold, **arguments).cols[1]
        assert ("note" in col.meta) is noted


def test_errors_name_argument_and_point(rising: Api) -> None:
    request = Grid.of(
        [
            {
                "id": Ref("t"),
                "range": DAY,
                "rollup": "integral",
                "interval": Number(1, "hr"),
            }
        ]
    )
    assert rising.error(rising.post("hisRead", request)).startswith(
        "@t: integral needs a rate"
    )
    batch = ids_grid("t", "on", range=DAY, rollup="max", interval=Number(1, "hr"))
    assert rising.error(rising.post("hisRead", batch)).startswith(
        "@on: rollup max: the kind is Bool"
    )
    batch = ids_grid("t", range=DAY, rollup="max", interval=Number(7, "min"))
    assert "interval 7min" in rising.error(rising.post("hisRead", batch))
    batch = ids_grid("t", "on", range=DAY, maxPoints=Number(600_000))
    assert "maxPoints 600000 of 2 points" in rising.error(rising.post("hisRead", batch))
    gone = Grid.of(
        [
            {
                "id": Ref("gone"),
                "range": DAY,
                "rollup": "max",
                "interval": Number(1, "hr"),
            }
        ]
    )
    assert "unknown entity @gone" in rising.error(rising.post("hisRead", gone))


def test_a_zone_for_one_point(rising: Api) -> None:
    """It is that of the point, under any name."""
    arguments = {"rollup": "avg", "interval": Number(1, "day")}
    assert len(list(asked(rising, tz="America/New_York", **arguments))) == 1
    for tz, text in (("Kolkata", "in its own zone, New_York"), ("Nowhere", "Nowhere")):
        request = Grid.of([{"id": Ref("t"), "range": DAY, "tz": tz, **arguments}])
        grid = grid_of(rising.post("hisRead", request, accept="text/zinc"))
        assert grid.is_error
        assert text in grid.meta["dis"]
