"""``haystack_tick``: release expired writes to points, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from haystack_app.maintenance import tick


class Command(BaseCommand):
    help = (
        "Release writes to points whose duration has expired. The server does this "
        "automatically; run it from cron if its background threads are disabled."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        released, errors = tick()
        self.stdout.write(f"{released:,} points released")
        for alias, error in errors.items():
            self.stderr.write(f"storage {alias!r}: {error}")
        if errors:
            raise CommandError(f"{len(errors):,} storages failed")
