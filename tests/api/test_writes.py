"""Level 1 and its permission, and the log of writes to all points."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of, logged_in, user
from tests.storage.building import point

pytestmark = pytest.mark.django_db
FIVE = Number(5)
TAGS = {"writable": MARKER, "cur": MARKER}


@pytest.fixture(autouse=True)
def plant() -> Any:
    store = storages["default"]
    points = [point("a", dis="Fan A", **TAGS), point("b", north=MARKER, **TAGS)]
    store.load_entities(points, replace=True)
    return store


def write(number: int, val: Any = FIVE, id: str = "a") -> Grid:
    return Grid.of([{"id": Ref(id), "level": Number(number), "val": val}])


def test_level_1_needs_a_permission(plant: Any) -> None:
    plant.point_write("a", 1, Number(9), "joe")
    olga = Api(logged_in("olga", "operator"))
    for val in (Number(5), None):  # neither set nor released
        answer = olga.post("pointWrite", write(1, val))
        assert answer.status_code == 403
        assert "permission 'write_emergency' required" in answer.content.decode()
    assert not grid_of(olga.post("pointWrite", write(2))).is_error
    assert plant.point_array("a", timezone.now())[1].val == Number(9)
    vera = Api(logged_in("vera", "viewer"))
    answer = vera.post("pointWrite", write(1))
    assert "permission 'write_points' required" in answer.content.decode()
    for name, flags in (("ann", {}), ("root", {"is_superuser": True})):
        client = logged_in(name, "" if flags else "admin", **flags)
        assert not grid_of(Api(client).post("pointWrite", write(1))).is_error


def test_all_writes(plant: Any) -> None:
    olga = Api(logged_in("olga", "operator"))
    olga.post("pointWrite", write(8))
    olga.post("pointWrite", write(9, id="b"))
    olga.post("pointWrite", write(8, None))
    plant.commit([], remove=["b"])
    first = olga.client.get("/api/writes/?limit=2").json()
    shown = [(one["id"], one["dis"], one["kind"]) for one in first["results"]]
    assert shown == [("a", "Fan A", "release"), ("b", "", "set")]
    assert first["results"][1]["user"] == "olga"
    second = olga.client.get(f"/api/writes/?cursor={first['next']}").json()
    assert [one["val"] for one in second["results"]] == [5]
    assert second["next"] is None
    assert olga.client.get("/api/writes/?cursor=x").status_code == 400
    assert Client().get("/api/writes/").status_code == 401
    without = logged_in("nemo", "")
    assert without.get("/api/writes/").status_code == 403


def test_all_writes_of_another_tenant(plant: Any) -> None:
    plant.point_write("a", 8, Number(1), "joe")
    plant.point_write("b", 8, Number(2), "joe")
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter="north")
    tom = user("tom", "viewer")
    tom.groups.add(group)
    client = Client()
    client.force_login(tom)
    found = client.get("/api/writes/").json()["results"]
    assert [one["id"] for one in found] == ["b"]
