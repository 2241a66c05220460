"""``search`` of the op ``read`` and of ``/api/entities/``."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.handler import storages
from tests.storage.building import entity

pytestmark = pytest.mark.django_db


@pytest.fixture
def building() -> None:
    storages["default"].load_entities(
        [
            entity("n", dis="Northfield", site=MARKER),
            entity("s", dis="South", site=MARKER, seen=MARKER),
            entity("a", dis="AHU-1", siteRef=Ref("n"), equip=MARKER, seen=MARKER),
            entity("T", dis="True", siteRef=Ref("s"), equip=MARKER, seen=MARKER),
            entity("old", dis="AHU-1", siteRef=Ref("n"), trash=MARKER),
        ]
    )


def read(client: Client, **query: str) -> list[str]:
    answer = client.get("/api/read", query, headers={"accept": "application/json"})
    return sorted(row["id"]["val"] for row in answer.json()["rows"])


def page(client: Client, **query: str) -> Any:
    return client.get("/api/entities/", query).json()


def test_read(building: None, admin_client: Client) -> None:
    assert read(admin_client, search="NORTH ahu-1") == ["a"]
    assert read(admin_client, search="north") == ["a", "n"]
    assert read(admin_client, search="north", filter="site") == ["n"]
    assert read(admin_client, search="T") == ["T", "a", "n", "s"]  # no Zinc value
    assert len(read(admin_client, search="o", limit="1")) == 1
    assert read(admin_client, search="nothing") == []


def test_entities(building: None, admin_client: Client) -> None:
    first = page(admin_client, search="north", limit="1")
    assert [row["id"]["val"] for row in first["results"]] == ["a"]
    rest = page(admin_client, search="north", limit="1", cursor=first["next"])
    assert [row["id"]["val"] for row in rest["results"]] == ["n"]
    trash = page(admin_client, search="north", trash="true")
    assert len(trash["results"]) == 3


@pytest.mark.parametrize("path", ["/api/read", "/api/entities/"])
def test_too_many_words(building: None, admin_client: Client, path: str) -> None:
    answer = admin_client.get(path, {"search": "a b c d e f g h i j k l m n o p q"})
    assert "at most 16 words" in answer.content.decode()
