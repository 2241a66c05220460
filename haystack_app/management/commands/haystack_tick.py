"""``haystack_tick``: release writes to points that expired, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from haystack_app.ticking import tick

from ._storage import refusals


class Command(BaseCommand):
    help = (
        "Release writes to points whose duration has ended. The server does this by "
        "itself; run it from cron where the server runs without threads of its own."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals():
            released = tick()
        self.stdout.write(f"{released:,} points released")
