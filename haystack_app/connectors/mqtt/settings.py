"""How to reach a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["MQTT_3", "MQTT_5", "BrokerSettings"]

MQTT_5: Final = "5.0"
MQTT_3: Final = "3.1.1"


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """``client_id`` names the session that the broker keeps, so it must not change.

    ``session_seconds`` is how long the broker keeps it without a connection;
    ``receive_maximum`` how many messages of QoS 1 it sends before the first of them is
    acknowledged. Both need MQTT 5. ``ca``, ``certificate`` and ``key`` are PEM texts.
    """

    host: str
    client_id: str
    port: int = 1883
    protocol: str = MQTT_5
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    keepalive: int = 30
    session_seconds: int = 7 * 86_400
    receive_maximum: int = 10_000
    largest_packet: int = 256 * 1024
