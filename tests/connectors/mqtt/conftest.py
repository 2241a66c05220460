"""A broker, and connectors to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.models import Connector, MqttTopic
from tests.connectors.mqtt.broker import Broker, missing


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if reason := missing():
        pytest.skip(reason)
    found = Broker(tmp_path)
    found.start()
    yield found
    found.stop()


def point(id: str, **tags: Any) -> dict[str, Any]:
    flags = dict.fromkeys(("point", "his", "cur"), MARKER)
    return {"id": Ref(id), **flags, "kind": "Number", "tz": "UTC", **tags}


def made(broker: Broker, **settings: Any) -> Connector:
    """A connector with a rule for ``b/{id}``."""
    given = {"host": "127.0.0.1", "port": broker.port, **settings}
    row = Connector.objects.create(
        name="plant", kind="mqtt", settings=given, enabled=True
    )
    MqttTopic.objects.create(
        connector=row, topic="b/{id}", target="{id}", value="$.v", time="$.t"
    )
    return row


def publish(broker: Broker, lines: list[str], topic: str, *words: str) -> None:
    command = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", topic, *words]
    text = "\n".join(lines) + "\n"
    subprocess.run([*command, "-l"], input=text, text=True, check=True)
