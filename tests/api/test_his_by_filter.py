"""hisRead of the points that a filter matches: raw and rolled up, caps and scopes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of, logged_in
from tests.api.test_tenants import tenant
from tests.defects.building import run
from tests.storage.building import at, entity, numbers, point

DAY = "2024-03-02"


def fill(store: StorageAdapter) -> None:
    """Points of the sites a and b, one in another zone, one in the trash."""
    rows = [entity("a", site=MARKER), entity("b", site=MARKER)]
    for site in "ab":
        rows += [point(f"{site}-{n}", siteRef=Ref(site), temp=MARKER) for n in (2, 1)]
    rows += [
        point("far", tz="Denver", siteRef=Ref("b"), power=MARKER),
        point("old", siteRef=Ref("a"), temp=MARKER, trash=MARKER),
        entity("virtual", point=MARKER, siteRef=Ref("a")),
    ]
    store.load_entities(rows, replace=True)
    for id in ("a-1", "a-2", "b-1", "b-2"):
        store.his_write(id, numbers(48, at(f"{DAY} 00:00")))


def by_filter(filter: Any, **meta: Any) -> Grid:
    return Grid(meta={"filter": filter, "range": DAY, **meta})


def ids(grid: Grid) -> list[str]:
    return [col.meta["id"].id for col in grid.cols[1:]]


@pytest.fixture
def api(db: None) -> Api:
    fill(storages["default"])
    return Api(logged_in("alice", "viewer"))


# -- on every store --------------------------------------------------------------


def test_the_columns_say_which_points(store: StorageAdapter) -> None:
    fill(store)
    grid = run(store, "hisRead", by_filter("temp and siteRef == @a"))
    assert (grid.names, ids(grid)) == (["ts", "v0", "v1"], ["a-1", "a-2"])
    rows = list(grid)
    assert len(rows) == 24
    assert rows[3] == {"ts": at(f"{DAY} 03:00"), "v0": Number(3), "v1": Number(3)}
    assert list(grid.meta) == ["hisStart", "hisEnd"]


def test_roll_ups_by_filter(store: StorageAdapter) -> None:
    fill(store)
    more = {"rollup": "max,count", "interval": Number(1, "day")}
    grid = run(store, "hisRead", by_filter("temp", **more))
    assert ids(grid) == ["a-1", "a-1", "a-2", "a-2", "b-1", "b-1", "b-2", "b-2"]
    [row] = list(grid)
    assert [row[f"v{n}"].val for n in range(8)] == [23, 24] * 4


def test_a_few_samples_by_filter(store: StorageAdapter) -> None:
    fill(store)
    grid = run(store, "hisRead", by_filter("temp", maxPoints=Number(8)))
    assert ids(grid) == ["a-1", "a-2", "b-1", "b-2"]
    assert 2 <= len(list(grid)) <= 8


# -- requests ----------------------------------------------------------------------


def test_a_filter_as_an_argument(api: Api) -> None:
    grid = grid_of(api.get("hisRead", filter="temp and siteRef == @b", range=DAY))
    assert ids(grid) == ["b-1", "b-2"]
    rolled = api.get(
        "hisRead", filter="temp", range=DAY, rollup="sum", interval="1day", tz="UTC"
    )
    assert ids(grid_of(rolled)) == ["a-1", "a-2", "b-1", "b-2"]
    posted = Grid.of([{"filter": "temp and siteRef == @b", "range": DAY}])
    assert ids(grid_of(api.post("hisRead", posted))) == ["b-1", "b-2"]


def test_points_of_several_zones_need_a_zone(api: Api) -> None:
    several = by_filter("temp or power")
    assert "missing meta tz" in api.error(api.post("hisRead", several))
    grid = grid_of(api.post("hisRead", by_filter("temp or power", tz="New_York")))
    assert ids(grid) == ["a-1", "a-2", "b-1", "b-2", "far"]


@pytest.mark.parametrize(
    ("request_grid", "why"),
    [
        (by_filter("temp and never"), "filter matches no entities"),
        (by_filter("siteRef == @a"), "@virtual has no history: no tag 'his'"),
        (by_filter("site"), "a filter such as point and his and"),
        (by_filter("temp and"), "filter is cut short"),
        (by_filter(Number(3)), "filter must be a Str"),
        (
            Grid.of([{"id": Ref("a-1")}], None, {"filter": "temp", "range": DAY}),
            "not both",
        ),
        (Grid.of([{"id": Ref("a-1"), "filter": "temp", "range": DAY}]), "not both"),
        (Grid.of([{"filter": "temp"}]), "missing range"),
        (by_filter("temp", rollup="mean", interval=Number(1, "day")), 'not "mean"'),
    ],
)
def test_refused_requests(api: Api, request_grid: Grid, why: str) -> None:
    assert why in api.error(api.post("hisRead", request_grid))


def test_the_cap_on_ids_holds(api: Api, settings: Any) -> None:
    limits = {**settings.HAYSTACK.get("LIMITS", {}), "IDS": 3}
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": limits}
    error = api.error(api.post("hisRead", by_filter("temp")))
    assert "filter matches more than 3 entities (cap IDS)" in error
    found = grid_of(api.post("hisRead", by_filter("temp and siteRef == @a")))
    assert ids(found) == ["a-1", "a-2"]


def test_the_trash_has_no_histories(api: Api) -> None:
    error = api.error(api.post("hisRead", by_filter("trash and temp")))
    assert "filter matches no entities" in error


def test_other_tenants_are_not_matched(api: Api) -> None:
    group = Group.objects.create(name="a")
    GroupScope.objects.create(group=group, filter="siteRef == @a or id == @a")
    carol = tenant("carol", "a")
    for more in ({}, {"rollup": "avg", "interval": Number(1, "day")}):
        grid = grid_of(carol.post("hisRead", by_filter("temp", **more)))
        assert ids(grid) == ["a-1", "a-2"]
        error = carol.error(carol.post("hisRead", by_filter("id == @b-1", **more)))
        assert "filter matches no entities" in error


def test_the_permission_is_that_of_reading(api: Api) -> None:
    plain = Api(logged_in("plain", ""))
    assert plain.post("hisRead", by_filter("temp")).status_code == 403
