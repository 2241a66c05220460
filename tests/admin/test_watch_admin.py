"""Watches in the admin: list and close."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from haystack_app.models import Watch, WatchItem
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in
from tests.storage.building import entity

pytestmark = pytest.mark.django_db
LIST = "/admin/haystack_app/watch/"


@pytest.fixture
def watch() -> str:
    store = storages["default"]
    store.load_entities([entity("a"), entity("b")])
    now = dt.datetime.now(dt.UTC)
    opened = store.watch_open("mine", owner="joe", lease=3600, now=now)
    store.watch_sub(opened.id, ["a", "b"], now=now)
    return opened.id


@pytest.fixture
def root() -> Client:
    return logged_in("root", is_staff=True, is_superuser=True)


def test_the_list(root: Client, watch: str) -> None:
    page = root.get(LIST).content.decode()
    assert "mine" in page
    assert "joe" in page
    assert '<td class="field-entities">2</td>' in page
    assert root.get(f"{LIST}add/").status_code == 403
    assert "_save" not in root.get(f"{LIST}{watch}/change/").content.decode()


@pytest.mark.parametrize("by_list", [True, False])
def test_deleting_closes(root: Client, watch: str, by_list: bool) -> None:
    sure = {"post": "yes"}
    if by_list:
        chosen = {"action": "delete_selected", "_selected_action": watch}
        root.post(LIST, {**chosen, **sure})
    else:
        root.post(f"{LIST}{watch}/delete/", sure)
    assert not Watch.objects.exists()
    assert not WatchItem.objects.exists()


def test_who_may(watch: str) -> None:
    assert logged_in("boss", is_staff=True).get(LIST).status_code == 403
