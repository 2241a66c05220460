"""The kind of connectors to MQTT brokers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.translation import gettext_lazy as _

from ...extras import imported_for
from ...models import Connector, MqttTopic, MqttWrite
from ...outages import is_outage
from ..context import ConnectorContext
from ..errors import ConnectorError
from ..kind import ConnectorKind
from ..registry import connector
from ..secrets import SecretField
from .decoder import Decoder
from .inbox import Inbox
from .listener import Counts, Listener
from .publisher import Publisher, WriteRule
from .resolver import Resolver
from .rules import Rule
from .settings import MQTT_3, MQTT_5, BrokerSettings
from .topics import subscriptions
from .unknown_topics import UnknownTopics

if TYPE_CHECKING:
    from .client import BrokerClient

__all__ = ["MqttConnector", "MqttForm", "rule_of", "write_rule_of"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_REPORT_SECONDS = 5.0
_PING_SECONDS = 15.0
_JOIN_SECONDS = 10.0
_HOUR = 3_600
_MOST = 65_535
"""Ids of messages that a connection has."""


class _Rows(NamedTuple):
    """The enabled rules, as they are stored."""

    topics: list[dict[str, Any]]
    writes: list[dict[str, Any]]


class MqttForm(forms.Form):
    """The settings of a connector to a broker."""

    host = forms.CharField(
        max_length=255, help_text=_("name or address of the broker"), label=_("Host")
    )
    port = forms.IntegerField(
        min_value=1, max_value=65_535, initial=1883, label=_("Port")
    )
    protocol = forms.ChoiceField(
        choices=[(MQTT_5, MQTT_5), (MQTT_3, MQTT_3)],
        initial=MQTT_5,
        help_text=_(
            "3.1.1 only for brokers without 5.0: they may send few messages at a time"
        ),
        label=_("Protocol"),
    )
    username = forms.CharField(required=False, max_length=200, label=_("Username"))
    password = SecretField(required=False, label=_("Password"))
    tls = forms.BooleanField(
        required=False, help_text=_("usually on port 8883"), label="TLS"
    )
    ca = SecretField(
        required=False,
        help_text=_(
            "where the certificate of the CA is, by its name, such as "
            "file:plant-ca.pem; empty for those that the system trusts"
        ),
        label="CA",
    )
    certificate = SecretField(
        required=False,
        help_text=_("a client certificate, by its name"),
        label=_("Certificate"),
    )
    key = SecretField(
        required=False, help_text=_("its key, by its name"), label=_("Key")
    )
    client_id = forms.CharField(
        required=False,
        max_length=100,
        help_text=_(
            "the name of the session that the broker keeps; empty for "
            "haystack- and the name of the connector"
        ),
        label=_("Client id"),
    )
    keepalive = forms.IntegerField(
        min_value=5,
        max_value=3_600,
        initial=30,
        help_text=_("in seconds"),
        label=_("Keepalive"),
    )
    session_hours = forms.IntegerField(
        min_value=1,
        max_value=10_000,
        initial=7 * 24,
        help_text=_("how long the broker keeps messages for a server that is away"),
        label=_("Session hours"),
    )
    receive_maximum = forms.IntegerField(
        min_value=1,
        max_value=_MOST,
        initial=10_000,
        help_text=_("messages that the broker may send before the first is stored"),
        label=_("Receive maximum"),
    )


@connector("mqtt")
class MqttConnector(ConnectorKind):
    """Follows the topics of a broker; what arrives is stored in batches."""

    label = "MQTT broker"
    settings_form = MqttForm
    can_ping = True

    def ping(self, context: ConnectorContext) -> Mapping[str, Any]:
        """Log in with a session of its own, so that the worker's goes on."""
        client = self._client(Inbox(1), (), ping=True)
        client.start()
        until = time.monotonic() + _PING_SECONDS
        try:
            while not client.session:
                self._raise_problem(client)
                if time.monotonic() > until:
                    text = f"{client.settings.host} does not answer"
                    raise ConnectorError(Connector.Status.TIMEOUT, text)
                context.wait(0.1)
        finally:
            _end(client)
        return {"broker": f"{client.settings.host}:{client.settings.port}"}

    def run(self, context: ConnectorContext) -> None:
        """Work until the rules are changed."""
        rows = self._rows()
        rules = [self._checked(rule_of, row) for row in rows.topics]
        writes = [self._checked(write_rule_of, row) for row in rows.writes]
        filters = subscriptions(rule.topic for rule in rules)
        before = self.connector.state.get("subscriptions", ())
        inbox = Inbox(self.settings["receive_maximum"])
        client = self._client(inbox, filters, sorted(set(before).difference(filters)))
        unknown = UnknownTopics(self.connector)
        listener = Listener(
            client,
            inbox,
            Decoder(rules, Resolver(self.store)),
            self.store,
            self.connector.name,
            unknown.add,
            lambda problem: _told(context, problem),
            Counts.of(self.connector.state),
        )
        publisher = Publisher(self.store, self.connector.name, client, writes)
        work = _Work(context, listener, publisher, unknown, self.redacted)
        client.start()
        try:
            look_at = time.monotonic() + _LOOK_SECONDS
            while time.monotonic() < look_at or self._rows() == rows:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + _LOOK_SECONDS
                listener.step(context)
                work.tend()
        finally:
            _end(client)
            with suppress(Exception):  # its lease ends
                publisher.close()

    def _rows(self) -> _Rows:
        topics = MqttTopic.objects.filter(connector=self.connector, enabled=True)
        writes = MqttWrite.objects.filter(connector=self.connector, enabled=True)
        return _Rows([*map(dict, topics.values())], [*map(dict, writes.values())])

    def _checked(self, make: Any, row: Mapping[str, Any]) -> Any:
        try:
            return make(row)
        except ValueError as error:
            text = f"topic {row['topic']}: {error}"
            raise ConnectorError(Connector.Status.SETTINGS, text) from None

    def _client(
        self,
        inbox: Inbox,
        filters: Sequence[str],
        removed: Sequence[str] = (),
        *,
        ping: bool = False,
    ) -> BrokerClient:
        try:
            with imported_for("connectors to MQTT brokers", "mqtt"):
                from .client import BrokerClient
        except ImproperlyConfigured as error:
            raise ConnectorError(Connector.Status.SETTINGS, str(error)) from None
        return BrokerClient(self._settings(ping=ping), filters, inbox, removed)

    def _settings(self, *, ping: bool) -> BrokerSettings:
        given = self.settings
        named = given["client_id"] or f"haystack-{self.connector.name}"
        return BrokerSettings(
            host=given["host"],
            port=given["port"],
            client_id=f"{named}-ping" if ping else named,
            protocol=given["protocol"],
            username=given["username"],
            tls=given["tls"],
            keepalive=given["keepalive"],
            session_seconds=0 if ping else given["session_hours"] * _HOUR,
            receive_maximum=given["receive_maximum"],
            password=self._secret("password"),
            ca=self._secret("ca"),
            certificate=self._secret("certificate"),
            key=self._secret("key"),
        )

    def _secret(self, setting: str) -> str:
        return self.secret(setting) if self.settings[setting] else ""

    def _raise_problem(self, client: BrokerClient) -> None:
        if (problem := client.problem) is not None:
            raise ConnectorError(problem.status, self.redacted(str(problem)))


def rule_of(row: Mapping[str, Any]) -> Rule:
    """The rule of a row of ``MqttTopic``. Raises ValueError."""
    return Rule.of(
        row["topic"],
        row["find"],
        row["target"],
        value=row["value"],
        time=row["time"],
        status=row["status"],
        unit=row["unit"],
        retained=row["retained"],
    )


def write_rule_of(row: Mapping[str, Any]) -> WriteRule:
    """The rule of a row of ``MqttWrite``. Raises ValueError."""
    return WriteRule.of(
        row["filter"], row["topic"], row["format"], retain=row["retain"]
    )


@dataclass
class _Work:
    """What is done beside the messages, and must not stop them."""

    context: ConnectorContext
    listener: Listener
    publisher: Publisher
    unknown: UnknownTopics
    redacted: Callable[[str], str]
    shown: ConnectorError | bool | None = None
    """The status that is stored: a problem, or whether all is well."""
    report_at: float = 0.0

    def tend(self) -> None:
        try:
            self.publisher.step()
            self.unknown.flush()
            self.report()
        except Exception as error:
            connections.close_all()
            if not is_outage(error):  # those the listener shows
                logger.exception("an MQTT connector failed beside its messages")

    def report(self) -> None:
        client = self.listener.client
        now = client.problem or client.is_up
        if now == self.shown and time.monotonic() < self.report_at:
            return
        if isinstance(now, ConnectorError):
            text = self.redacted(str(now))
            self.context.failed(now.status, text)
        elif now:
            self.context.succeeded(round(self.listener.lag, 1), **self.state)
        self.shown = now
        self.report_at = time.monotonic() + _REPORT_SECONDS

    @property
    def state(self) -> dict[str, Any]:
        """What people see of a connector that works."""
        return {
            **self.listener.counts.json,
            "waiting": len(self.listener.inbox),
            "unlisted": self.unknown.unlisted,
            "published": self.publisher.published,
            "publish_error": self.publisher.error,
            "subscriptions": self.listener.client.subscriptions,
        }


def _told(context: ConnectorContext, problem: str) -> None:
    with suppress(Exception):  # what is down may be where it is stored
        context.failed(Connector.Status.FAILED, problem)


def _end(client: BrokerClient) -> None:
    client.stop()
    client.join(_JOIN_SECONDS)
