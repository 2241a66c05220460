"""The connection to a broker: it is kept, and hands what arrives to the inbox.

paho's own thread and its waits between attempts are not used, since they hide why an
attempt failed. A message is acknowledged by ``acknowledge`` only, and only in the
connection that it came by: after that the broker sends it again, and may have given
its id to another message.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterable, Sequence
from threading import Event, Lock, Thread
from typing import Any

from paho.mqtt.client import (
    MQTT_CLEAN_START_FIRST_ONLY,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    error_string,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ...models import Connector
from ..addresses import connected
from ..errors import ConnectorError
from .inbox import Inbox
from .messages import Message
from .problems import problem_of, refused
from .settings import MQTT_5, BrokerSettings
from .tls import tls_context

__all__ = ["BrokerClient"]

logger = logging.getLogger(__name__)

Status = Connector.Status
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_ANSWER_SECONDS = 10.0
_STABLE_SECONDS = 10.0
"""Shorter connections are tried again after pauses that grow."""
_ONLY_IF_NEW = 1
"""Retain handling: retained messages are sent for new subscriptions only."""
_Stored = tuple[str, bytes]


class _CheckedClient(Client):
    """A client that connects to addresses that connectors may connect to."""

    def _create_socket_connection(self) -> socket.socket:
        return connected(self.host, self.port, self.connect_timeout)


class BrokerClient(Thread):
    """``problem`` says why there is no connection, or what was not subscribed to.

    ``removed`` are subscriptions of before, which the session may still have.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        subscriptions: Sequence[str],
        inbox: Inbox,
        removed: Sequence[str] = (),
    ) -> None:
        super().__init__(name="haystack-mqtt", daemon=True)
        self.settings, self.inbox = settings, inbox
        self.subscriptions, self.removed = list(subscriptions), list(removed)
        self.stopping = Event()
        self.problem: ConnectorError | None = None
        self.is_subscribed = False
        self.session = 0
        """Counts connections."""
        self.resumed_since = 0
        """The first connection of the session that the broker has."""
        self.is_up = self._has_tls = False
        self._lock = Lock()
        self._unacknowledged: dict[int, _Stored] = {}
        """What was stored after its connection was lost, by its id."""
        self._wait, self._up_at = _FIRST_WAIT, 0.0
        self._had: ConnectorError | None = None
        """What the broker said of this connection."""
        self.client = self._made()

    def _made(self) -> Client:
        is_5 = self.settings.protocol == MQTT_5
        client = _CheckedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self.settings.client_id,
            clean_session=None if is_5 else not self.settings.session_seconds,
            protocol=MQTTProtocolVersion.MQTTv5
            if is_5
            else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        # packets are sent by this thread alone, whichever thread queues them
        client.on_socket_register_write = lambda *_: None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        if self.settings.username:
            client.username_pw_set(
                self.settings.username, self.settings.password or None
            )
        return client

    # -- the thread -----------------------------------------------------------

    def run(self) -> None:
        while not self.stopping.is_set():
            self._attempt()
            if not self.stopping.wait(self._wait):
                self._wait = min(self._wait * 2, _LONGEST_WAIT)

    def stop(self) -> None:
        """End the connection; the broker keeps the session."""
        self.stopping.set()

    def _attempt(self) -> None:
        """Connect, and stay connected as long as possible."""
        self._had, self._up_at = None, time.monotonic()
        try:
            self._connect()
            before, until = self.session, time.monotonic() + _ANSWER_SECONDS
            code = MQTTErrorCode.MQTT_ERR_SUCCESS
            while code == MQTTErrorCode.MQTT_ERR_SUCCESS and not self.stopping.is_set():
                code = self.client.loop(0.5)
                if self.session == before and time.monotonic() > until:
                    raise TimeoutError
            if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.client.disconnect()
                self.client.loop(1.0)  # sends acknowledgements, too
            else:
                self.problem = self._had or self._lost(error_string(code))
        except Exception as err:
            self.problem = problem_of(self.settings, err)
        finally:
            self._go_down()

    def _lost(self, why: str) -> ConnectorError:
        text = f"the connection was lost: {why.rstrip('.').lower()}"
        if time.monotonic() - self._up_at < _STABLE_SECONDS:
            text += f"; does another client have the id {self.settings.client_id}?"
        else:
            self._wait = _FIRST_WAIT
        return ConnectorError(Status.UNREACHABLE, text)

    def _connect(self) -> None:
        settings = self.settings
        if settings.tls and not self._has_tls:
            self.client.tls_set_context(tls_context(settings))
            self._has_tls = True
        is_5 = settings.protocol == MQTT_5
        self.client.connect(
            settings.host,
            settings.port,
            settings.keepalive,
            clean_start=False if is_5 else MQTT_CLEAN_START_FIRST_ONLY,
            properties=_properties(settings) if is_5 else None,
        )

    def _go_down(self) -> None:
        with self._lock:
            self.is_up = self.is_subscribed = False

    # -- callbacks, in the thread ---------------------------------------------

    def _on_connect(
        self, client: Client, data: Any, flags: ConnectFlags, reason: ReasonCode, _: Any
    ) -> None:
        if reason.is_failure:
            self._had = refused(reason)
            return
        with self._lock:
            self.session += 1
            self.is_up = True
            if flags.session_present:
                self.inbox.drop_unacknowledged()
            else:
                self.resumed_since = self.session
                self._unacknowledged.clear()
        self._up_at = time.monotonic()
        self.problem = None
        if self.removed:
            client.unsubscribe(self.removed)
        if self.subscriptions:
            client.subscribe([self._subscription(one) for one in self.subscriptions])

    def _subscription(self, topic: str) -> tuple[str, Any]:
        if self.settings.protocol != MQTT_5:
            return topic, 1
        return topic, SubscribeOptions(1, noLocal=True, retainHandling=_ONLY_IF_NEW)

    def _on_subscribe(
        self, client: Client, data: Any, mid: int, reasons: list[ReasonCode], _: Any
    ) -> None:
        denied = [
            f"{topic} ({reason})"
            for topic, reason in zip(self.subscriptions, reasons, strict=False)
            if reason.is_failure
        ]
        if denied:
            text = f"the broker refused to send {', '.join(denied)}"
            self.problem = ConnectorError(Status.REFUSED, text)
        self.is_subscribed = True

    def _on_disconnect(
        self,
        client: Client,
        data: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _: Any,
    ) -> None:
        self._go_down()
        if flags.is_disconnect_packet_from_server:
            text = f"the broker ended the connection: {reason}"
            self._had = ConnectorError(Status.REFUSED, text)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self.inbox.put(
            Message(
                topic,
                bytes(message.payload[: self.settings.largest_packet]),
                time.time_ns() // 1_000,
                message.mid,
                message.qos,
                message.dup,
                message.retain,
                self.session,
            ),
            self.stopping,
        )

    # -- from other threads ---------------------------------------------------

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Acknowledge what is stored, in the order of arrival (MQTT 5.0, 4.6)."""
        with self._lock:
            for message in messages:
                if not message.qos:
                    continue
                if self.is_up and message.session == self.session:
                    self.client.ack(message.mid, message.qos)
                elif message.session >= self.resumed_since:
                    stored = message.topic, message.payload
                    self._unacknowledged[message.mid] = stored

    def was_stored(self, message: Message) -> bool:
        """Whether it comes again only because it could not be acknowledged."""
        if not message.is_dup or not self._unacknowledged:
            return False
        with self._lock:
            stored = self._unacknowledged.pop(message.mid, None)
        return stored == (message.topic, message.payload)

    def publish(self, topic: str, payload: str, *, retain: bool) -> bool:
        """Queue a message of QoS 1. False without a connection."""
        with self._lock:
            if not self.is_up:
                return False
            self.client.publish(topic, payload, qos=1, retain=retain)
            return True


def _properties(settings: BrokerSettings) -> Properties:
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_seconds
    properties.ReceiveMaximum = settings.receive_maximum
    properties.MaximumPacketSize = settings.largest_packet
    found: Properties = properties
    return found
