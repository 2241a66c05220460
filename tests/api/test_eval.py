"""``eval``, and ``sort`` and ``count`` of ``read``, over HTTP: rights, limits, forms."""

from __future__ import annotations

from typing import Any

import phable
import pytest
import time_machine
from phable.haystack_client import CallError

from haystack_app.kinds import Grid, Number, Ref
from haystack_app.models import Token
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import (
    PASSWORD,
    Api,
    basic,
    fill,
    grid_of,
    ids_of,
    logged_in,
    served,
    user,
)
from tests.defects.building import at
from tests.storage.building import numbers


def expr(text: str) -> Grid:
    return Grid.of([{"expr": text}])


# -- eval -------------------------------------------------------------------------


def test_by_get_and_by_post(api: Api) -> None:
    for text in ("site", "readAll(site)", 'site and dis >= "A"'):
        assert sorted(ids_of(api.get("eval", expr=text))) == ["s1", "s2"]
        assert sorted(ids_of(api.post("eval", expr(text)))) == ["s1", "s2"]
    assert ids_of(api.get("eval", expr="^site")) == api.ids(filter="^site")
    assert "missing expr" in api.error(api.post("eval"))
    assert "eval understands" in api.error(api.get("eval", expr="now()"))
    large = "readAll(temp).hisRead(today).hisRollup(avg, 1e308min)"
    assert "eval understands" in api.error(api.get("eval", expr=large))


def test_is_listed(api: Api) -> None:
    rows = {row["name"]: row for row in grid_of(api.get("ops"))}
    assert "noSideEffects" in rows["eval"]
    schema = api.client.get("/api/schema/", headers={"Accept": "application/json"})
    paths = schema.json()["paths"]

    def names(op: str) -> set[str]:
        return {one["name"] for one in paths[f"/api/{op}"]["get"]["parameters"]}

    assert names("eval") == {"expr"}
    assert names("read") > {"filter", "sort", "count", "format", "download"}


def test_rights(api: Api) -> None:
    assert Api(logged_in("carol", "")).get("eval", expr="site").status_code == 403
    viewer = user("vera", "viewer")
    token = token_of(viewer, Token.READ)
    answer = api.client.get(
        "/api/eval?expr=site", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    wrong = basic("vera", "no")
    assert api.client.get("/api/eval?expr=site", headers=wrong).status_code == 401


def test_counts_as_one_request(api: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": {"USER": 2}}
    text = "readAll(point and unit).hisRead(today)"
    with time_machine.travel("2026-11-01T12:00:15Z", tick=False):
        statuses = [api.get("eval", expr=text).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_rows_and_ids_are_capped(api: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"ROWS": 1, "IDS": 1}}
    grid = grid_of(api.get("eval", expr="readAll(site)"))
    assert len(list(grid)) == 1
    assert grid.meta["incomplete"]["limit"] == Number(1)
    text = 'readAll(point and tz == "New_York").hisRead(today)'
    assert "cap IDS" in api.error(api.get("eval", expr=text))


@pytest.mark.django_db(transaction=True)
def test_phable(scram_passwords: None) -> None:
    fill(storages["default"])
    storages["default"].his_write("p1", numbers(48, at("2024-03-01 00:00")))
    user("alice")
    with (
        served() as port,
        phable.open_haxall_client(
            f"http://127.0.0.1:{port}/api", "alice", PASSWORD
        ) as client,
    ):
        found = client.eval(
            "read(point and siteRef->site and unit).hisRead(2024-03-01)"
        )
        assert [col.name for col in found.cols] == ["ts", "v0"]
        assert len(found.rows) == 24
        with pytest.raises(CallError) as refused:
            client.eval("readAll(site).map(x => x)")
        assert "eval understands" in refused.value.help_msg.meta["dis"]


# -- sort and count ---------------------------------------------------------------


def test_sort(api: Api) -> None:
    found = grid_of(api.get("read", filter="site", sort="-opened"))
    assert [row["id"].id for row in found] == ["s1", "s2"]
    found = grid_of(api.post("read", Grid.of([{"filter": "site", "sort": "opened"}])))
    assert [row["id"].id for row in found] == ["s2", "s1"]
    found = grid_of(api.get("read", filter="site", sort="-yearBuilt,dis", limit=1))
    assert [row["id"].id for row in found] == ["s1"]
    assert (
        "code"
        not in grid_of(api.get("read", filter="site", sort="opened", limit=1)).names
    )


@pytest.mark.parametrize("text", ["count", "true"])
def test_count(api: Api, text: str) -> None:
    value = "M" if text == "count" else text
    grid = grid_of(api.get("read", filter="point", count=value))
    assert list(grid) == [{"count": Number(len(api.ids(filter="point")))}]
    assert api.ids(filter="site", count="false") == ["s1", "s2"]


def test_count_is_not_capped(api: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"ROWS": 1}}
    grid = grid_of(api.get("read", filter="site", count="true"))
    assert list(grid) == [{"count": Number(2)}]
    cut = grid_of(api.get("read", filter="site", sort="opened"))
    assert [row["id"].id for row in cut] == ["s2"]
    assert "incomplete" in cut.meta


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"sort": "Dis"}, "sort must be names of tags"),
        ({"sort": "dis,"}, "sort must be names of tags"),
        ({"sort": "a->b"}, "sort must be names of tags"),
        ({"sort": "id desc; DROP TABLE entities"}, "sort must be names of tags"),
        ({"sort": "5"}, "sort must be a Str"),
        ({"sort": "dis,-dis"}, "sort names a tag twice"),
        ({"sort": "a,b,c,d,e,f,g,h,i"}, "sort names 9 tags, at most 8"),
        ({"count": "yes"}, "count must be true or a Marker"),
        ({"count": "true", "limit": "5"}, "give no limit and no sort"),
        ({"count": "true", "sort": "dis"}, "give no limit and no sort"),
    ],
)
def test_refused(api: Api, arguments: dict[str, str], reason: str) -> None:
    assert reason in api.error(api.get("read", filter="site", **arguments))


def test_only_with_a_filter(api: Api) -> None:
    assert "sort needs a filter" in api.error(api.get("read", id="@s1", sort="dis"))
    assert "count needs a filter" in api.error(api.get("read", id="@s1", count="true"))


def test_etags(api: Api) -> None:
    url = "/api/read?filter=site&sort=-area"
    first = api.client.get(url)
    known = {"If-None-Match": first["ETag"]}
    assert api.client.get(url, headers=known).status_code == 304
    storages["default"].update_entities(
        [{"id": Ref("s1"), "area": Number(1, "ft²")}], force=True
    )
    assert api.client.get(url, headers=known).status_code == 200
    assert "ETag" not in api.client.get("/api/read?filter=site&count=true")
