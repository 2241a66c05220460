"""``haystack_connector``: list connectors, and try what a worker does."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from haystack_app.connectors import ConnectorError, kind_of
from haystack_app.connectors.context import ConnectorContext
from haystack_app.connectors.tasks import perform
from haystack_app.jobs import JobFailed
from haystack_app.models import Connector

_ACTIONS = ("ping", "learn", "sync")


class Command(BaseCommand):
    help = (
        "List connectors with their status, or do once what a worker does: ping one, "
        "learn its entities, sync its current values and histories."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("list", *_ACTIONS))
        parser.add_argument("name", nargs="?", help="of the connector")
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="learn: let many entities go to the trash",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self._list()
            return
        if not options["name"]:
            raise CommandError(f"{options['action']}: missing the name of a connector")
        row = _named(options["name"])
        for action in _steps(row, options["action"]):
            more = {"confirmed": True} if options["confirm"] else {}
            self._do(row, action, more if action == "learn" else {})

    def _list(self) -> None:
        found = Connector.objects.all()
        if not found:
            self.stdout.write("no connectors")
        for row in found:
            self.stdout.write(_line(row))

    def _do(self, row: Connector, action: str, more: dict[str, Any]) -> None:
        try:
            done = perform(row, action, ConnectorContext(row, is_job=True), **more)
        except JobFailed as error:
            raise CommandError(f"{action}: {error}") from None
        text = json.dumps(done, cls=DjangoJSONEncoder, ensure_ascii=False)
        self.stdout.write(f"{action}: {text}")


def _named(name: str) -> Connector:
    try:
        return Connector.objects.get(name=name)
    except Connector.DoesNotExist:
        raise CommandError(f"connector {name!r} not found") from None


def _steps(row: Connector, action: str) -> list[str]:
    if action != "sync":
        return [action]
    try:
        kind = kind_of(row.kind)
    except ConnectorError as error:
        raise CommandError(str(error)) from None
    able = (("current", kind.can_read_current), ("history", kind.can_sync_history))
    return [name for name, can in able if can]


def _line(row: Connector) -> str:
    parts = [row.name, row.kind, "enabled" if row.enabled else "disabled", row.status]
    if row.last_success_at:
        parts.append(f"last success {row.last_success_at:%Y-%m-%d %H:%M:%S}Z")
    if row.status not in (Connector.Status.OK, Connector.Status.NEW):
        parts.append(row.last_error)
    return "  ".join(parts)
