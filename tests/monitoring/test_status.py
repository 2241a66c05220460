"""``/status/`` and ``/api/status/``: what staff sees, and others do not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.checks import Warning as CheckWarning
from django.test import Client

from haystack_app.models import GroupScope, JobSchedule
from haystack_app.monitoring import status as status_module
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter
from tests.api.conftest import fill, logged_in, user


@pytest.fixture
def staff(db: None) -> Client:
    fill(storages["default"])
    return logged_in("sam", is_staff=True)


def test_it_says_what_there_is(staff: Client) -> None:
    found = staff.get("/api/status/").json()
    assert found["versions"]["Django"]
    assert "SQLite" in found["versions"]["database default"]
    [store] = [one for one in found["stores"] if one["storage"] == "default"]
    assert store["counts"]["site"] == 2
    assert {one["name"] for one in found["jobs"]["schedules"]} == set(
        JobSchedule.objects.values_list("name", flat=True)
    )
    assert found["disks"][0]["free"] > 0
    text = staff.get("/status/").content.decode()
    assert "OrmAdapter" in text
    assert re.findall(r"<script([^>]*)>([^<]*)</script>", text) == [
        (' type="module" src="/static/haystack_app/alarms/count.js"', "")
    ]


def test_only_staff_without_a_scope_sees_it(staff: Client) -> None:
    for client, page, api in (
        (Client(), 302, 401),
        (logged_in("vera", "viewer"), 403, 403),
        (logged_in("olga"), 403, 403),
    ):
        assert client.get("/status/").status_code == page
        assert client.get("/api/status/").status_code == api
    tenant = user("tina", is_staff=True)
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter="siteRef == @s1")
    tenant.groups.add(group)
    client = Client()
    client.force_login(tenant)
    assert client.get("/status/").status_code == 403
    assert client.get("/api/status/").status_code == 403
    assert staff.post("/status/").status_code == 405


def test_problems_are_shown(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    warning = CheckWarning("disk <b>almost</b> full", id="haystack.W900")
    monkeypatch.setattr(status_module, "run_checks", lambda **_: [warning])
    found = staff.get("/api/status/").json()
    assert "haystack.W900: disk <b>almost</b> full" in found["problems"]
    assert "&lt;b&gt;almost" in staff.get("/status/").content.decode()


def test_a_store_that_is_down_hides_nothing_else(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    down: Any = RedisAdapter("down", url="redis://:secret@127.0.0.1:1/0")
    monkeypatch.setattr(status_module, "storages", {"down": down})
    found = staff.get("/api/status/").json()
    assert found["stores"][0]["error"].startswith("not available")
    assert found["versions"]["Django"]
    assert "secret" not in str(found)
    assert staff.get("/status/").status_code == 200
