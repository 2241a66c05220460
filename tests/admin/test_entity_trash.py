"""The trash in the admin: who may what, and what is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in, user
from tests.storage.building import at, entity, numbers, point

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def store() -> Any:
    found = storages["default"]
    found.load_entities(
        [
            entity("ahu_1", equip=MARKER, dis="AHU"),
            point("temp", dis="<b>Temp</b>", equipRef=Ref("ahu_1")),
        ],
        replace=True,
    )
    found.his_write("temp", numbers(3, at("2024-03-01 12:00")))
    return found


def address(id: str, page: str = "trash") -> str:
    return reverse(f"admin:haystack_app_entity_{page}", args=[quote(id)])


def post(client: Client, id: str, action: str, **more: str) -> str:
    answer = client.post(address(id), {"action": action, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_there_and_back_and_gone(store: Any) -> None:
    ann = logged_in("ann", "admin", is_staff=True)
    shown = ann.get(address("ahu_1", "change")).content.decode()
    assert address("ahu_1") in shown
    asked = ann.get(address("ahu_1")).content.decode()
    assert "1 entity refers to @ahu_1" in asked and "&lt;b&gt;Temp" in asked
    assert "It has 3 samples" in ann.get(address("temp")).content.decode()
    assert "@temp is in the trash" in post(ann, "temp", "trash")
    assert store.changes_of("temp", 1)[0].who == "ann"
    assert "@temp is restored" in post(ann, "temp", "restore")
    assert store.existing("temp")["hisSize"] == Number(3)
    post(ann, "ahu_1", "trash")
    assert "@ahu_1 stays: @temp refers to it" in post(ann, "ahu_1", "remove")
    assert "@ahu_1 is removed" in post(ann, "ahu_1", "remove", force="on")
    assert store.read_by_ids(["ahu_1"]) == [None]
    assert ann.get(address("ahu_1")).status_code == 404


def test_who_may_not(store: Any) -> None:
    """Operators find no link, and are refused; nor is there a way around the trash."""
    olga = logged_in("olga", "operator", is_staff=True)
    assert address("temp") not in olga.get(address("temp", "change")).content.decode()
    assert olga.get(address("temp")).status_code == 403
    assert olga.post(address("temp"), {"action": "trash"}).status_code == 403
    ann = logged_in("ann", "admin", is_staff=True)
    for action in ("remove", "restore", ""):
        assert ann.post(address("temp"), {"action": action}).status_code == 403
    assert "trash" not in store.existing("temp")
    assert logged_in("otto").get(address("temp")).status_code == 302  # not staff


def test_another_tenant(store: Any) -> None:
    group = Group.objects.create(name="points")
    GroupScope.objects.create(group=group, filter="point")
    tom = user("tom", "admin", is_staff=True)
    tom.groups.add(group)
    client = Client()
    client.force_login(tom)
    assert client.get(address("ahu_1")).status_code == 404
    assert client.post(address("ahu_1"), {"action": "trash"}).status_code == 404
    assert "is in the trash" in post(client, "temp", "trash")
    assert "trash" not in store.existing("ahu_1")
