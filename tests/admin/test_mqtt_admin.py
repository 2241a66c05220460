"""Rules of connectors to MQTT brokers, and points of unknown topics."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from haystack_app.models import (
    Connector,
    GroupScope,
    MqttTopic,
    MqttUnknownTopic,
    MqttWrite,
)
from haystack_app.storage.handler import storages

pytestmark = pytest.mark.django_db
TOPICS = "/admin/haystack_app/mqttunknowntopic/"


@pytest.fixture
def row() -> Connector:
    settings = {"host": "broker"}
    return Connector.objects.create(name="plant", kind="mqtt", settings=settings)


def posted(**rules: str) -> dict[str, str]:
    """What the page of a connector sends."""
    given = {"name": "plant", "storage": "default", "setting_host": "broker"}
    numbers = {"port": "1883", "keepalive": "30", "session_hours": "24"}
    numbers |= {"protocol": "5.0", "receive_maximum": "100"}
    given |= {f"setting_{name}": value for name, value in numbers.items()}
    for prefix in ("mqtt_topics", "mqtt_writes"):
        count = "1" if any(name.startswith(prefix) for name in rules) else "0"
        given |= {f"{prefix}-TOTAL_FORMS": count, f"{prefix}-INITIAL_FORMS": "0"}
    return given | {name.replace("__", "-0-"): text for name, text in rules.items()}


def page(row: Connector) -> str:
    return reverse("admin:haystack_app_connector_change", args=[row.pk])


def test_rules_are_checked(browser: Client, row: Connector) -> None:
    topic = {"mqtt_topics__find": "id", "mqtt_topics__retained": "current"}
    topic |= {"mqtt_topics__topic": "b/{id}", "mqtt_topics__target": "{x}"}
    write = {"mqtt_writes__filter": "writable", "mqtt_writes__format": "plain"}
    write |= {"mqtt_writes__topic": "a/#"}
    text = browser.post(page(row), posted(**topic, **write)).content.decode()
    assert "unknown name {x}: use one of id, topic" in text
    assert "without +, # and $" in text
    assert not MqttTopic.objects.exists()
    topic["mqtt_topics__target"], write["mqtt_writes__topic"] = "{id}", "a/{id}"
    saved = browser.post(page(row), posted(**topic, **write))
    assert saved.status_code == 302, saved.content.decode()
    assert MqttTopic.objects.get().target == "{id}"
    assert MqttWrite.objects.get().topic == "a/{id}"


def test_names_of_fields_are_written_as_the_field_writes_them(
    browser: Client, row: Connector
) -> None:
    text = browser.get(page(row)).content.decode()
    assert ">TLS<" in text
    assert ">CA:<" in text
    assert "Mqtt" not in text


def unknown(row: Connector, topic: str, payload: str, **more: str) -> MqttUnknownTopic:
    now = timezone.now()
    given = {"reason": "no rule has this topic", "last_value": "", **more}
    times = {"first_at": now, "last_at": now, "messages": 1}
    return MqttUnknownTopic.objects.create(
        connector=row, topic=topic, last_payload=payload, **given, **times
    )


def test_points_of_unknown_topics(browser: Client, row: Connector) -> None:
    rows = [
        unknown(row, "a/temp", "21.5 °C"),
        unknown(row, "a/fan", '{"value": true, "x": 1}'),
        unknown(row, "b/mode", "", wanted="id b-mode", last_value="Auto"),
        unknown(row, "c/7", "", wanted="tag mqttTopic=c/7", last_value="1"),
        unknown(row, "a/odd", '{"x": 1}'),
        unknown(row, "a/{x}", "1"),
        unknown(row, "d", "1", wanted="path a/b", last_value="1"),
        unknown(row, "e", "1", wanted="id e", reason="@e is not a point"),
    ]
    given = {"action": "make_points", "_selected_action": [one.pk for one in rows]}
    text = browser.post(TOPICS, given, follow=True).content.decode()
    assert "Made 4 points." in text
    assert "no value or val among the keys x" in text
    assert "@e is not a point" in text
    read = storages["default"].existing
    assert {"a-temp", "a-fan", "b-mode", "c-7"} == {
        one["id"].id for one in storages["default"].read("point and his and cur")
    }
    assert (read("a-temp")["kind"], read("a-temp")["unit"]) == ("Number", "°C")
    assert (read("a-fan")["kind"], read("b-mode")["kind"]) == ("Bool", "Str")
    assert read("c-7")["mqttTopic"] == "c/7"
    rules = MqttTopic.objects.order_by("topic").values_list("topic", "target", "value")
    assert list(rules) == [("a/fan", "a-fan", "$.value"), ("a/temp", "a-temp", "")]
    assert MqttUnknownTopic.objects.count() == 4


def test_points_stay_in_the_group_of_the_connector(
    browser: Client, row: Connector
) -> None:
    row.group = Group.objects.create(name="tenant")
    row.save()
    GroupScope.objects.create(group=row.group, filter="siteRef == @tenant")
    one = unknown(row, "a/temp", "21.5")
    given = {"action": "make_points", "_selected_action": [one.pk]}
    text = browser.post(TOPICS, given, follow=True).content.decode()
    assert "Made 0 points." in text
    assert "outside of what you may change" in text
    assert MqttUnknownTopic.objects.exists()
    assert not MqttTopic.objects.exists()
    assert not list(storages["default"].read("point"))


def test_others_see_nothing(row: Connector, manager: Any) -> None:
    unknown(row, "a/temp", "21.5")
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter="site")
    manager.groups.add(group)
    staff = get_user_model().objects.create_user("eve", is_staff=True)
    for user in (manager, staff):
        client = Client()
        client.force_login(user)
        assert client.get(TOPICS).status_code == 403
        assert client.post(TOPICS, {"action": "make_points"}).status_code == 403


def test_payloads_are_text(browser: Client, row: Connector) -> None:
    unknown(row, "<b>x</b>", "<script>alert(1)</script>")
    text = browser.get(TOPICS).content.decode()
    assert "<script>alert" not in text and "<b>x</b>" not in text
