"""``/api/quality/``: the numbers, rights and scopes, formats, refused parameters."""

from __future__ import annotations

import csv
import datetime as dt
import math
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.api.negotiation import request_format
from haystack_app.kinds import MARKER, NA, DateTime, Number, Ref
from haystack_app.models import GroupScope, Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import Api, logged_in, user
from tests.storage.building import entity, point

STEP = dt.timedelta(minutes=15)


def write(store: StorageAdapter, id: str, values: list[Any], ago: dt.timedelta) -> None:
    """Samples of every quarter of an hour up to some time ago; None is left out."""
    tz = store.existing(id)["tz"]
    last = dt.datetime.now(dt.UTC).replace(microsecond=0) - ago
    times = [last - (len(values) - 1 - n) * STEP for n in range(len(values))]
    store.his_write(
        id, [(DateTime(at, tz), val) for at, val in zip(times, values, strict=True)]
    )


def fill(store: StorageAdapter) -> None:
    """Points of the sites a and b: good, late, flat, outside and without samples."""
    limits = {"unit": "°C", "minVal": Number(0, "°C"), "maxVal": Number(122, "°F")}
    rows = [entity("a", site=MARKER), entity("b", site=MARKER)]
    for id in ("good", "late", "flat", "hot", "none"):
        rows.append(
            point(id, dis=id.title(), siteRef=Ref("a"), sensor=MARKER, **limits)
        )
    rows += [
        point("other", siteRef=Ref("b")),
        point("old", siteRef=Ref("a"), trash=MARKER),
        entity("virtual", point=MARKER, siteRef=Ref("a")),
    ]
    store.load_entities(rows, replace=True)
    wave = [Number(n % 7) for n in range(200)]
    write(store, "good", wave, STEP)
    write(store, "other", wave, STEP)
    write(store, "late", wave, dt.timedelta(days=2))
    write(store, "flat", [Number(5)] * 200, STEP)
    write(store, "hot", [*wave[:150], *[Number(51)] * 30, *[NA] * 20], STEP)


@pytest.fixture
def quality(db: None) -> Api:
    fill(storages["default"])
    return Api(logged_in("alice", "viewer"))


def get(api: Api, **params: Any) -> Any:
    return api.get("quality/", **params)


def rows(api: Api, **params: Any) -> dict[str, Any]:
    """Rows by id, in the order of the answer."""
    answer = get(api, **params)
    assert answer.status_code == 200, answer.content
    return {row["id"]: row for row in answer.json()["results"]}


def reason(api: Api, **params: Any) -> str:
    answer = get(api, **params)
    assert answer.status_code == 400, answer.content
    return str(answer.json()["dis"])


# -- the numbers ---------------------------------------------------------------


def test_the_worst_points_are_first(quality: Api) -> None:
    found = rows(quality)
    assert next(iter(found)) == "none"
    assert {"good", "late", "flat", "hot", "none", "other"} == found.keys()
    scores = [row["score"] for row in found.values()]
    assert scores == sorted(scores)
    assert (found["none"]["score"], found["good"]["score"]) == (0, 100)


def test_the_rows(quality: Api) -> None:
    found = rows(quality)
    good, late, flat, hot = (found[id] for id in ("good", "late", "flat", "hot"))
    assert good | {"age": 0, "newest": ""} == {
        "id": "good",
        "dis": "Good",
        "score": 100,
        "newest": "",
        "age": 0,
        "samples": 200,
        "interval": 900,
        "share": 1,
        "gaps": 0,
        "gap": None,
        "gapStart": None,
        "flat": None,
        "flatStart": None,
        "outside": 0,
        "mismatched": 0,
        "future": 0,
        "na": 0,
    }
    assert 900 <= good["age"] < 3_600
    newest = dt.datetime.fromisoformat(good["newest"])
    assert dt.datetime.now(dt.UTC) - newest >= STEP
    assert late["age"] >= 2 * 86_400
    assert late["share"] < 0.6 < 1 - late["score"] / 100 + 0.3
    assert flat["flat"] == 199 * 900
    assert (hot["outside"], hot["na"]) == (30, 0.1)


def test_a_range_is_one_of_his_read(quality: Api) -> None:
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=125)
    found = rows(quality, filter="id == @good", range=str(DateTime(start, "UTC")))
    assert found["good"]["samples"] == 8
    past = rows(quality, filter="id == @good", range="2020-01-01,2020-01-31")
    assert past["good"] | {"age": 0, "newest": ""} == {
        **dict.fromkeys(past["good"]),
        **dict.fromkeys(("samples", "gaps", "outside", "mismatched", "future"), 0),
        **{"id": "good", "dis": "Good", "score": 0, "age": 0, "newest": ""},
    }
    everything = rows(quality, range="0001-01-01T00:00:00Z")
    assert everything["good"]["share"] == 1


def test_samples_of_the_future(quality: Api) -> None:
    write(storages["default"], "good", [Number(1)], -dt.timedelta(days=1))
    [row] = rows(quality, filter="id == @good").values()
    assert (row["samples"], row["future"], row["score"]) == (200, 1, 90)
    assert row["age"] >= 900


def test_points_that_log_changes_have_no_gaps(quality: Api) -> None:
    store = storages["default"]
    store.load_entities([point("cov", hisMode="cov", kind="Bool")])
    write(store, "cov", [True, False, True], dt.timedelta(days=9))
    write(store, "cov", [True, False, True], dt.timedelta(days=3))
    [row] = rows(quality, filter="id == @cov").values()
    assert (row["gaps"], row["gap"], row["share"], row["score"]) == (
        None,
        None,
        None,
        100,
    )


def test_points_whose_tags_are_invalid(quality: Api) -> None:
    """They are in the answer; limits that cannot be compared do not count."""
    invalid = {
        "tz": {"tz": "Nowhere"},
        "kind": {"kind": Number(1)},
        "limits": {"minVal": "0", "maxVal": Number(math.inf)},
        "unit": {"unit": "°C", "minVal": Number(300, "kW"), "maxVal": Number(0, "_x")},
    }
    store = storages["default"]
    store.load_entities([point(id, **tags) for id, tags in invalid.items()])
    for id in ("limits", "unit"):
        write(store, id, [Number(5), Number(6)], STEP)
    found = rows(quality)
    assert found.keys() > invalid.keys()
    assert [found[id]["outside"] for id in ("limits", "unit")] == [0, 0]


def test_hours_of_flat_lines(quality: Api) -> None:
    found = rows(quality, flat="49.5")
    assert found["flat"]["flat"] == 199 * 900
    assert rows(quality, flat="50")["flat"]["flat"] is None
    assert rows(quality, flat="5")["hot"]["flat"] == 29 * 900


def test_order_and_limit(quality: Api) -> None:
    assert next(iter(rows(quality, sort="-outside"))) == "hot"
    by_age = list(rows(quality, sort="-age"))
    assert (by_age[0], by_age[-1]) == ("late", "none")  # without a value at the end
    assert list(rows(quality, sort="id")) == sorted(by_age)
    answer = get(quality, limit="1").json()
    assert [row["id"] for row in answer["results"]] == ["none"]
    assert answer["count"] == 6


# -- formats -------------------------------------------------------------------


def test_csv(quality: Api) -> None:
    answer = quality.get("quality/", accept="text/csv", sort="id")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(StringIO(answer.content.decode())))
    assert [row["id"] for row in table][:2] == ["@flat", "@good"]
    assert (table[1]["dis"], table[1]["samples"], table[1]["gap"]) == (
        "Good",
        "200",
        "",
    )
    empty = quality.get("quality/", accept="text/csv", filter="nosuch")
    assert empty.content.decode().startswith("id,dis,score,")


def test_a_download(quality: Api) -> None:
    store = storages["default"]
    store.load_entities([point("good", dis="=1+1", unit="°C")])
    answer = get(quality, download="quality.csv", filter="id == @good")
    assert answer["Content-Disposition"] == 'attachment; filename="quality.csv"'
    assert "'=1+1" in answer.content.decode()
    assert get(quality, download="quality.pdf").status_code == 406
    assert get(quality, download="/etc/passwd").status_code == 406


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/zinc", "text/zinc"),
        ("application/json;q=0.5, text/trio", "text/trio"),
        ("application/vnd.haystack+json", "application/vnd.haystack+json"),
        (
            "application/vnd.haystack+json;version=3",
            "application/vnd.haystack+json; version=3",
        ),
    ],
)
def test_grids(quality: Api, accept: str, content_type: str) -> None:
    """The rows are those of JSON, in the same order."""
    answer = quality.get("quality/", accept=accept, sort="-na", limit="2")
    assert answer["Content-Type"] == f"{content_type}; charset=utf-8"
    format = request_format(content_type)
    assert format is not None
    first, _ = format.read_bytes(answer.content)
    assert (first["id"], first["na"]) == (Ref("hot"), Number(0.1))
    assert "gap" not in first


def test_json_unless_a_grid_is_preferred(quality: Api) -> None:
    for accept in ("text/csv;q=0.5, application/json", "*/*", "text/html, */*;q=0.8"):
        answer = quality.get("quality/", accept=accept)
        assert answer["Content-Type"].startswith("application/json")
        assert answer.json()["count"] == 6
    assert quality.get("quality/", accept="application/xml").status_code == 406


# -- what is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filter": "site and"}, "filter is cut short"),
        ({"range": "last week"}, "invalid history range"),
        ({"range": "2024-02-30"}, "invalid history range"),
        ({"flat": "0"}, "flat must be a number of hours"),
        ({"flat": "-1"}, "flat must be a number of hours"),
        ({"flat": "nan"}, "flat must be a number of hours"),
        ({"flat": "inf"}, "flat must be a number of hours"),
        ({"flat": "1e300"}, "flat must be a number of hours"),
        ({"flat": "x"}, "flat must be a number of hours"),
        ({"sort": "worst"}, "sort must be one of id, dis, score"),
        ({"sort": "--age"}, "sort must be one of"),
        ({"limit": "0"}, "limit must be 1 or greater"),
        ({"limit": "x"}, "limit must be 1 or greater"),
    ],
)
def test_bad_parameters(quality: Api, params: dict[str, str], expected: str) -> None:
    assert expected in reason(quality, **params)


def test_the_range_is_checked_without_points(quality: Api) -> None:
    assert "invalid history range" in reason(quality, filter="nosuch", range="x")


def test_too_many_points(quality: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 5}}
    assert "more than 5 points with history match (cap IDS)" in reason(quality)
    assert len(rows(quality, filter="siteRef == @a")) == 5


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(quality: Api, method: str) -> None:
    answer = getattr(quality.client, method)("/api/quality/")
    assert answer.status_code == 405


# -- rights --------------------------------------------------------------------


def test_who_may_read_it(quality: Api) -> None:
    assert Client().get("/api/quality/").status_code == 401
    assert get(Api(logged_in("carol", ""))).status_code == 403
    token = token_of(user("dave", "viewer"), Token.READ)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/quality/").status_code == 200


def test_callers_see_points_of_their_scope(quality: Api) -> None:
    GroupScope.objects.create(
        group=Group.objects.create(name="b"), filter="siteRef == @b"
    )
    client = logged_in("eve", "viewer")
    get_user_model().objects.get(username="eve").groups.add(Group.objects.get(name="b"))
    assert rows(Api(client)).keys() == {"other"}
    assert rows(Api(client), filter="id == @good") == {}
    assert rows(Api(client), filter="siteRef->site") == {}


def test_another_project(quality: Api, memory: StorageAdapter) -> None:
    fill(memory)
    client = quality.client
    of_memory = rows(Api(client, "memory"))
    ages = {"age": 0, "newest": "", "flatStart": ""}
    assert [row | ages for row in of_memory.values()] == [
        row | ages for row in rows(quality).values()
    ]
    assert client.get("/api/nosuch/quality/").status_code == 404
