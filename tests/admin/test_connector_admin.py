"""The admin's pages of connectors: who sees them, settings, buttons."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from haystack_app.models import Connector, GroupScope, Job
from tests.connectors import examples  # noqa: F401  registers kinds

pytestmark = pytest.mark.django_db
LIST = "/admin/haystack_app/connector/"


@pytest.fixture
def row() -> Connector:
    return Connector.objects.create(name="plant", kind="test-listener")


def page(row: Connector) -> str:
    return reverse("admin:haystack_app_connector_change", args=[row.pk])


def test_tenants_and_others_see_nothing(manager: Any, row: Connector) -> None:
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter="site")
    manager.groups.add(group)
    staff = get_user_model().objects.create_user("eve", is_staff=True)
    for user in (manager, staff):
        client = Client()
        client.force_login(user)
        assert client.get(LIST).status_code == 403
        assert client.get(page(row)).status_code == 403
        asked = client.post(f"{LIST}{row.pk}/ask/ping/")
        assert asked.status_code == 403
    assert not Job.objects.exists()


def test_a_new_connector_gets_the_settings_of_its_kind(browser: Client) -> None:
    given = {"name": "plant", "kind": "test-listener", "storage": "default"}
    row_page = browser.post(f"{LIST}add/", given, follow=True)
    row = Connector.objects.get()
    assert not row.enabled
    assert 'name="setting_topic" value="a/b"' in row_page.content.decode()
    changed = {"name": "plant", "storage": "default", "setting_topic": "x"}
    wrong = browser.post(
        page(row), {**changed, "setting_password": "hunter2", "setting_limit": "5"}
    )
    text = wrong.content.decode()
    assert "write the name of the secret, not its value" in text
    good = {"setting_password": "env:CONNECTOR_A", "setting_limit": "9"}
    saved = browser.post(page(row), {**changed, **good, "enabled": "on"})
    assert saved.status_code == 302
    row.refresh_from_db()
    assert row.enabled
    assert row.settings == {"topic": "x", "password": "env:CONNECTOR_A", "limit": 9}


def test_buttons_make_jobs(browser: Client, row: Connector) -> None:
    text = browser.get(page(row)).content.decode()
    assert "/ask/ping/" in text
    assert "/ask/learn/" not in text
    assert browser.get(f"{LIST}{row.pk}/ask/ping/").status_code == 405
    assert browser.post(f"{LIST}{row.pk}/ask/format/").status_code == 404
    assert browser.post(f"{LIST}{row.pk}/ask/ping/").status_code == 302
    job = Job.objects.get()
    assert (job.owner_name, job.kwargs) == ("max", {"connector": row.pk})


def test_actions_of_the_list_name_what_a_kind_cannot_do(
    browser: Client, row: Connector
) -> None:
    Connector.objects.create(name="meter", kind="test-meter")
    Connector.objects.create(name="gone", kind="of-a-removed-package")
    every = [str(pk) for pk in Connector.objects.values_list("pk", flat=True)]
    answer = browser.post(
        LIST, {"action": "learn_selected", "_selected_action": every}, follow=True
    )
    text = answer.content.decode()
    assert "The kind of plant does not learn." in text
    assert "The kind of gone does not learn." in text
    assert "of-a-removed-package (not installed)" in text
    assert [job.title for job in Job.objects.all()] == ["learn connector meter"]


def test_many_removals_are_confirmed(browser: Client) -> None:
    row = Connector.objects.create(name="meter", kind="test-meter", status="confirm")
    assert "/ask/confirm/" in browser.get(page(row)).content.decode()
    browser.post(f"{LIST}{row.pk}/ask/confirm/")
    kwargs = {"connector": row.pk, "confirmed": True}
    assert Job.objects.get().kwargs == kwargs
