"""``haystack_prune_changes``: delete old entries of the logs of changes and writes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.conf import DEFAULTS
from haystack_app.maintenance import (
    prune_all,
    prune_all_edits,
    prune_all_writes,
    retention_days,
    undo_days,
    writes_retention_days,
)

from ._storage import StorageCommand


class Command(StorageCommand):
    help = (
        "Delete old entries of the change log, and of the log of writes to priority "
        "arrays (HAYSTACK['WRITES_DAYS']), and samples that were replaced or removed "
        "(HAYSTACK['SAMPLE_UNDO_DAYS']). The server does this automatically, "
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
        alias = options["storage"]
        if days:
            count = prune_all(alias, days)
            self.stdout.write(f"{count:,} entries older than {days:g} days deleted")
        else:
            self.stdout.write("nothing to do: the change log is kept forever")
        if days := writes_retention_days():
            count = prune_all_writes(alias, days)
            self.stdout.write(f"{count:,} writes older than {days:g} days deleted")
        if days := undo_days():
            count = prune_all_edits(alias, days)
            self.stdout.write(
                f"{count:,} edits of samples older than {days:g} days deleted"
            )
