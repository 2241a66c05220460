"""Connectors to brokers, as a worker runs them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections

from haystack_app.connectors import ConnectorContext, ConnectorError, kind_of
from haystack_app.connectors.mqtt import unknown_topics
from haystack_app.connectors.mqtt.decoder import Unknown
from haystack_app.connectors.supervisor import ConnectorService
from haystack_app.kinds import MARKER, Number
from haystack_app.models import Connector, MqttTopic, MqttUnknownTopic, MqttWrite
from haystack_app.storage.handler import storages
from tests.connectors.mqtt.broker import Broker
from tests.connectors.mqtt.conftest import made, point, publish
from tests.patience import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _service() -> Iterator[None]:
    """What a worker runs, in threads of the test."""
    service, stopping = ConnectorService(), Event()

    def serve() -> None:
        service.run(stopping)
        service.stop()
        connections.close_all()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield
    stopping.set()
    thread.join()


def row() -> Connector:
    return Connector.objects.get()


def is_ok() -> bool:
    return row().status == "ok"


def values(id: str) -> list[float]:
    return [one["val"].val for one in storages["default"].his_read(id)]


def test_rules_follow_their_rows(broker: Broker) -> None:
    """And what is not subscribed to any more does not come."""
    storages["default"].load_entities([point("p0"), point("p1")])
    made(broker)
    eventually(is_ok)
    publish(broker, ['{"v":1,"t":1700000000}'], "b/p0")
    eventually(lambda: values("p0") == [1])
    MqttTopic.objects.update(topic="c/{id}")
    eventually(lambda: row().state.get("subscriptions") == ["c/+"])
    publish(broker, ['{"v":2,"t":1700000001}'], "b/p0")
    publish(broker, ['{"v":3,"t":1700000002}', "?"], "c/p0")
    eventually(lambda: values("p0") == [1, 3])
    assert not MqttUnknownTopic.objects.exists()
    eventually(lambda: "payload is not JSON" in row().state.get("error", ""))
    connector = row()
    connector.settings["keepalive"] = 31  # the connector starts again
    connector.save()
    publish(broker, ['{"v":4,"t":1700000003}'], "c/p0")
    eventually(lambda: values("p0") == [1, 3, 4])
    assert "payload is not JSON" in row().state["error"]


def test_unknown_topics_are_listed(broker: Broker) -> None:
    connector = made(broker)
    MqttTopic.objects.create(connector=connector, topic="new/#", find="list")
    eventually(is_ok)
    publish(broker, ["x" * 300, "21"], "new/a")
    publish(broker, ['{"v":1,"t":1700000000}'], "b/gone")
    eventually(lambda: MqttUnknownTopic.objects.count() == 2)
    eventually(lambda: MqttUnknownTopic.objects.get(topic="new/a").messages == 2)
    gone, new = MqttUnknownTopic.objects.order_by("topic")
    assert (new.topic, new.messages) == ("new/a", 2)
    assert len(new.last_payload) <= 200
    assert (gone.wanted, gone.last_value) == ("id gone", "1")
    assert gone.reason == "no point with the id gone"


def test_topics_are_listed_up_to_a_limit(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown_topics, "MOST", 3)
    connector = made(broker, client_id="other")
    listed = unknown_topics.UnknownTopics(connector)
    found = [Unknown(f"t{n}", b"\0\xff" * 500, "why\0", "id x") for n in range(4)]
    listed.add([*found, *found])
    listed.flush()
    assert listed.unlisted == 2
    listed = unknown_topics.UnknownTopics(connector)
    listed.add(found[2:])
    listed.flush()
    rows = MqttUnknownTopic.objects.order_by("topic")
    assert [(one.topic, one.messages) for one in rows] == [
        ("t0", 2),
        ("t1", 2),
        ("t2", 3),
    ]
    assert listed.unlisted == 1


@pytest.mark.parametrize(
    ("settings", "status", "text"),
    [
        ({"port": 1}, "unreachable", "no connection to 127.0.0.1:1"),
        ({"tls": True}, "tls", "TLS with 127.0.0.1"),
        ({"password": "env:CONNECTOR_MISSING"}, "settings", "missing or empty"),
    ],
)
def test_status(
    broker: Broker, settings: dict[str, Any], status: str, text: str
) -> None:
    connector = made(broker, **settings)
    eventually(lambda: row().status == status and text in row().last_error)
    with pytest.raises(ConnectorError, match=text):
        kind_of("mqtt")(connector).perform("ping", ConnectorContext(connector))


def test_without_the_package(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = made(broker)
    Connector.objects.update(enabled=False)
    monkeypatch.delitem(sys.modules, "haystack_app.connectors.mqtt.client", False)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConnectorError, match=r"install haystack-server\[mqtt\]"):
        kind_of("mqtt")(connector).perform("ping", ConnectorContext(connector))


def test_ping(broker: Broker) -> None:
    connector = made(broker)
    eventually(is_ok)
    done = kind_of("mqtt")(connector).perform("ping", ConnectorContext(connector))
    assert done == {"broker": f"127.0.0.1:{broker.port}"}


def test_invalid_rules_are_a_status(broker: Broker) -> None:
    made(broker)
    MqttTopic.objects.update(topic="b/#/x")
    eventually(lambda: "# must be the last level" in row().last_error)
    assert row().status == "settings"


def test_writes_are_published(broker: Broker) -> None:
    store = storages["default"]
    tags = {"writable": MARKER, "navName": "Set/point", "unit": "°C"}
    store.load_entities(
        [
            point("sp", **tags),
            point("released", **tags),
            point("never", **tags),
            point("mode", writable=MARKER, kind="Str", mqttSet="far/mode"),
        ]
    )
    store.point_write("released", 8, Number(1, "°C"), "test")
    store.point_write("released", 8, None, "test")
    connector = made(broker)
    plain = {"filter": "unit", "topic": "set/{id}/{point}"}
    MqttWrite.objects.create(connector=connector, **plain)
    json_ = {"filter": "writable", "topic": "{mqttSet}", "format": "json"}
    MqttWrite.objects.create(connector=connector, **json_, retain=False)
    messages = Subscriber(broker)
    eventually(is_ok)
    store.point_write("sp", 16, Number(20, "°C"), "test")
    eventually(lambda: messages.of("set/sp/Set_point") == ["20"])
    store.point_write("sp", 8, Number(21.5, "°C"), "test")
    store.point_write("mode", 16, "Auto", "test")
    eventually(lambda: messages.of("set/sp/Set_point") == ["20", "21.5"])
    eventually(lambda: messages.of("far/mode") == ['{"value":"Auto"}'])
    for level in (8, 16):
        store.point_write("sp", level, None, "test")
    store.point_write("mode", 16, None, "test")
    eventually(lambda: messages.of("set/sp/Set_point")[-1] == "")
    eventually(lambda: messages.of("far/mode")[-1] == '{"value":null}')
    assert set(messages.of("set/released/Set_point")) == {""}
    assert messages.of("set/never/Set_point") == []
    store.cur_write({}, dt.datetime.now(dt.UTC))
    messages.stop()


class Subscriber:
    """Reads all messages, in a thread."""

    def __init__(self, broker: Broker) -> None:
        words = ["mosquitto_sub", "-p", str(broker.port), "-t", "#", "-F", "%j"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.found: list[tuple[str, str]] = []
        self.thread = Thread(target=self._read, daemon=True)
        self.thread.start()
        eventually(lambda: self._is_there(broker))

    def _is_there(self, broker: Broker) -> bool:
        publish(broker, ["?"], "is-there")
        return bool(self.of("is-there"))

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            data = json.loads(line)
            self.found.append((data["topic"], data.get("payload") or ""))

    def of(self, topic: str) -> list[str]:
        return [payload for one, payload in self.found if one == topic]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.thread.join()
