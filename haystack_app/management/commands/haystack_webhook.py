"""``haystack_webhook``: test webhooks, and show what became of their deliveries."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from haystack_app.models import Webhook
from haystack_app.webhooks import deliveries
from haystack_app.webhooks.view import CannotSee


class Command(BaseCommand):
    help = "List webhooks, or send a test event and print the answer."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="print each webhook and how it goes")
        test = actions.add_parser("test", help="send a test event now")
        test.add_argument("name")
        test.add_argument("--owner", help="if webhooks of several users have the name")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self.list()
        else:
            self.test(options["name"], options["owner"])

    def list(self) -> None:
        found = Webhook.objects.select_related("owner")
        if not found:
            self.stdout.write("no webhooks")
        for webhook in found:
            waiting = webhook.deliveries.waiting().count()
            state = "enabled" if webhook.enabled else "disabled"
            if webhook.failing_since:
                state += f", failing since {webhook.failing_since:%Y-%m-%d %H:%M} UTC"
            owner = webhook.owner.get_username()
            self.stdout.write(f"{webhook} ({owner}): {state}, {waiting:,} waiting")
            if webhook.note:
                self.stdout.write(f"  {webhook.note}")

    def test(self, name: str, owner: str | None) -> None:
        webhook = _found(name, owner)
        try:
            answer = deliveries.send_test(webhook)
        except CannotSee as error:
            raise CommandError(f"{webhook}: {error}") from None
        if not answer.is_success:
            raise CommandError(f"{webhook}: {answer.error}")
        self.stdout.write(f"{webhook}: answered {answer.status}")


def _found(name: str, owner: str | None) -> Webhook:
    rows = Webhook.objects.filter(name=name).select_related("owner")
    found = [row for row in rows if owner in (None, row.owner.get_username())]
    if not found:
        raise CommandError(f"webhook {name!r} not found")
    if len(found) > 1:
        owners = ", ".join(sorted(row.owner.get_username() for row in found))
        raise CommandError(f"webhooks {name!r} of {owners}: say which by --owner")
    return found[0]
