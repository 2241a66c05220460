"""Kinds of connectors for tests: a listener, and one that is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from haystack_app.connectors import (
    ConnectorContext,
    ConnectorError,
    ConnectorKind,
    SecretField,
    connector,
)
from haystack_app.models import AuditEntry, Connector

__all__ = ["Listener", "Meter"]


class ListenerForm(forms.Form):
    topic = forms.CharField(initial="a/b")
    password = SecretField(required=False)
    limit = forms.IntegerField(min_value=1, initial=5)


@connector("test-listener")
class Listener(ConnectorKind):
    """Writes its process into a table, again and again."""

    label = "Test listener"
    settings_form = ListenerForm
    can_ping = True

    def ping(self, context: ConnectorContext) -> Mapping[str, Any]:
        password = self.secret("password")
        if self.settings["topic"] == "bug":
            raise RuntimeError(f"cannot use {password}")
        if self.settings["topic"] == "wrong":
            raise ConnectorError(
                Connector.Status.AUTHENTICATION, f"{password} is wrong"
            )
        return {"topic": self.settings["topic"]}

    def run(self, context: ConnectorContext) -> None:
        while True:
            if self.settings["topic"] == "fails":
                raise ConnectorError(Connector.Status.UNREACHABLE, "nothing there")
            AuditEntry.objects.create(
                at=timezone.now(), event="test", detail=str(os.getpid())
            )
            context.succeeded(lag=0.5)
            context.wait(0.1)


@connector("test-meter")
class Meter(ConnectorKind):
    """Learns when it is asked, and by an interval."""

    label = "Test meter"
    can_learn = True

    def learn(
        self, context: ConnectorContext, *, confirmed: bool = False
    ) -> Mapping[str, Any]:
        AuditEntry.objects.create(at=timezone.now(), event="test", detail="learned")
        return {"learned": 1, "confirmed": confirmed}

    def intervals(self) -> Mapping[str, float]:
        return {"learn": 0.1}
