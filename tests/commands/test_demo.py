"""haystack_demo and haystack_demo_user."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.contrib.auth import authenticate, get_user_model

from haystack_app import demo
from haystack_app.storage.base import StorageAdapter

from .conftest import Run

pytestmark = pytest.mark.django_db


def test_loaded_once_and_continued(
    run: Run, adapter: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [
        record
        for record in demo.entities()
        if record["id"].id.startswith("south.weather")
    ]
    monkeypatch.setattr(demo, "entities", lambda copy=None, at=None: iter(some))
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        out = run("haystack_demo", days=1)
    assert f"{len(some)} entities" in out and "576 samples" in out
    assert "demo not loaded" in run("haystack_demo", if_empty=True)
    first = list(adapter.his_read("south.weather.temp"))
    assert len(first) == 96
    with time_machine.travel("2026-03-01T18:00:00Z", tick=False):
        run("haystack_demo", days=1)
    assert list(adapter.his_read("south.weather.temp"))[:96] == first
    assert len(list(adapter.his_read("south.weather.temp"))) == 96 + 24


def test_the_whole_demo(run: Run, adapter: StorageAdapter) -> None:
    out = run("haystack_demo", days=0)
    assert re.match(r"demo: 1,\d{3} entities \(1,\d{3} created, .* 0 samples", out)
    assert len(adapter.read("site")) == 4
    assert len(adapter.read('point and siteRef->geoCity == "Springfield"')) > 200
    assert len(adapter.read("vav and airRef->chilledWaterRef->plant")) == 80


def test_each_start_has_its_own_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8123")
    passwords = []
    for _ in range(2):
        out = run("haystack_demo_user")
        assert "http://127.0.0.1:8123/admin/" in out and "curl" in out
        found = re.search(r"Password +(\S+)", out)
        assert found is not None
        passwords.append(found[1])
    assert authenticate(username="demo", password=passwords[0]) is None
    user = authenticate(username="demo", password=passwords[1])
    assert user is not None and user.is_superuser and user.is_staff
    assert get_user_model().objects.count() == 1


def test_the_name_is_a_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_USER", "guest")
    run("haystack_demo_user")
    assert get_user_model().objects.get().get_username() == "guest"
