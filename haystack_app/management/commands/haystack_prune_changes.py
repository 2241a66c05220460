"""``haystack_prune_changes``: take what is too old from the change log."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.conf import DEFAULTS
from haystack_app.maintenance import kept_days, prune_all

from ._storage import StorageCommand


class Command(StorageCommand):
    help = (
        "Take entries that are too old from the change log. The server does this by "
        "itself, unless it runs without threads of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--days",
            type=float,
            help="how old entries may become (default: HAYSTACK['CHANGES_DAYS'])",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = kept_days() if options["days"] is None else options["days"]
        if not DEFAULTS["CHANGES_DAYS"].accepts(days):
            raise CommandError(f"--days {days:g} makes no sense")
        if not days:
            self.stdout.write("the change log is kept for ever: nothing was pruned")
            return
        count = prune_all(options["storage"], days)
        self.stdout.write(f"{count:,} entries older than {days:g} days were pruned")
