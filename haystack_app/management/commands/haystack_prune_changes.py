"""``haystack_prune_changes``: delete old entries of the change log."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.conf import DEFAULTS
from haystack_app.maintenance import prune_all, retention_days

from ._storage import StorageCommand


class Command(StorageCommand):
    help = (
        "Delete old entries of the change log. The server does this automatically, "
        "unless its background threads are disabled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--days",
            type=float,
            help="maximum age of entries in days (default: HAYSTACK['CHANGES_DAYS'])",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = retention_days() if options["days"] is None else options["days"]
        if not DEFAULTS["CHANGES_DAYS"].accepts(days):
            raise CommandError(f"--days must be a number of days, not {days:g}")
        if not days:
            self.stdout.write("nothing to do: the change log is kept forever")
            return
        count = prune_all(options["storage"], days)
        self.stdout.write(f"{count:,} entries older than {days:g} days deleted")
