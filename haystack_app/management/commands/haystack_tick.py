"""``haystack_tick``: release writes to points that expired, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from haystack_app.maintenance import tick


class Command(BaseCommand):
    help = (
        "Release writes to points whose duration has ended. The server does this by "
        "itself; run it from cron where the server runs without threads of its own."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        released, errors = tick()
        self.stdout.write(f"{released:,} points released")
        for alias, error in errors.items():
            self.stderr.write(f"storage {alias!r}: {error}")
        if errors:
            raise CommandError("not every storage could be asked")
