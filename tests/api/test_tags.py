"""``/api/tags/`` and ``/api/tags/{tag}/values/``: rights, scopes, parameters."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in
from tests.storage.building import entity

pytestmark = pytest.mark.django_db


@pytest.fixture
def building() -> None:
    storages["default"].load_entities(
        [
            entity("n", dis="Northfield", site=MARKER),
            entity("s", dis="South", site=MARKER, seen=MARKER),
            entity("a", siteRef=Ref("n"), equip=MARKER, seen=MARKER, area=Number(5)),
            entity("b", siteRef=Ref("n"), equip=MARKER, secret="key"),
            entity("old", siteRef=Ref("n"), equip=MARKER, trash=MARKER),
        ]
    )


def tags(client: Client, **query: str) -> dict[str, Any]:
    answer = client.get("/api/tags/", query).json()
    return {row["tag"]: row["count"] for row in answer["results"]}


def values(client: Client, tag: str, **query: str) -> list[Any]:
    answer = client.get(f"/api/tags/{tag}/values/", query).json()
    return [[row["val"], row["count"]] for row in answer["results"]]


NORTH = {"_kind": "ref", "val": "n", "dis": "Northfield"}


def test_tags(building: None, admin_client: Client) -> None:
    found = tags(admin_client)
    assert (found["site"], found["equip"], found["siteRef"]) == (2, 2, 2)
    assert "trash" not in found
    assert found["curVal"] is None
    assert next(iter(found)) in ("id", "mod")
    assert tags(admin_client, prefix="SITE") == {"site": 2, "siteRef": 2}
    assert tags(admin_client, prefix="site", filter="equip") == {"siteRef": 2}
    answer = admin_client.get("/api/tags/", {"prefix": "site", "limit": "1"}).json()
    assert answer == {"results": [{"tag": "site", "count": 2}], "more": True}


def test_values(building: None, admin_client: Client) -> None:
    assert values(admin_client, "siteRef") == [[NORTH, 2]]
    assert values(admin_client, "siteRef", prefix="north") == [[NORTH, 2]]
    assert values(admin_client, "siteRef", prefix="field") == []
    assert values(admin_client, "siteRef", filter="area") == [[NORTH, 1]]
    assert values(admin_client, "area") == [[5, 1]]
    assert values(admin_client, "nosuch") == []


def test_a_scope_shows_what_it_may(building: None) -> None:
    client = logged_in("ann", "viewer")
    group = Group.objects.get(name="viewer")
    GroupScope.objects.create(group=group, filter="seen")
    assert "secret" not in tags(client)
    assert tags(client, prefix="site") == {"site": 1, "siteRef": 1}
    assert values(client, "secret") == []
    assert values(client, "siteRef") == [[{"_kind": "ref", "val": "n"}, 1]]
    assert values(client, "siteRef", prefix="north") == []


@pytest.mark.parametrize("path", ["/api/tags/", "/api/tags/dis/values/"])
def test_rights_and_bad_parameters(path: str, admin_client: Client) -> None:
    assert logged_in("joe", "").get(path).status_code == 403
    assert Client().get(path).status_code == 401
    assert admin_client.post(path).status_code == 405
    for query, reason in (
        ({"filter": "point and"}, "cut short"),
        ({"limit": "x"}, "limit must be"),
        ({"prefix": "x" * 201}, "at most 200"),
    ):
        answer = admin_client.get(path, query)
        assert answer.status_code == 400
        assert reason in answer.json()["dis"]


def test_names_of_tags(admin_client: Client) -> None:
    answer = admin_client.get("/api/tags/Not-a-tag/values/")
    assert answer.status_code == 400
    assert "small letter" in answer.json()["dis"]
    assert admin_client.get("/api/nosuch/tags/").status_code == 404


def test_read_with_fields(building: None, admin_client: Client) -> None:
    def read(**query: str) -> Any:
        accept = {"accept": "application/json"}
        return admin_client.get("/api/read", query, headers=accept).json()

    found = read(filter="site", fields="area,dis", sort="-dis")
    assert [col["name"] for col in found["cols"]] == ["id", "area", "dis"]
    assert [row["dis"] for row in found["rows"]] == ["South", "Northfield"]
    assert all(row.keys() == {"id", "dis"} for row in found["rows"])
    assert len(read(search="north", fields="dis")["rows"]) == 3
    assert read(filter="site", count="true", fields="dis")["rows"] == [{"count": 2}]
    by_id = read(id="@n", fields="site")["rows"]
    assert by_id == [{"id": {"_kind": "ref", "val": "n"}, "site": {"_kind": "marker"}}]
    for fields, reason in (
        ("", "fields"),
        ("A b", "fields must"),
        ("a," * 100 + "b", "at most 100"),
    ):
        assert reason in read(filter="site", fields=fields)["meta"]["dis"]


def test_a_file_has_the_columns_that_are_asked_for(
    building: None, admin_client: Client
) -> None:
    query = {"filter": "equip", "fields": "siteRef,area", "format": "csv", "sort": "id"}
    answer = admin_client.get("/api/read", query)
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "id,siteRef,area"
    assert lines[1].startswith("'@a,'@n Northfield,5")
