"""``haystack_check``: whether a store is consistent, and its repair."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ._storage import StorageCommand

_SHOWN = 100


class Command(StorageCommand):
    help = (
        "Compare what is derived from the entities of a store with them: tag sets, "
        "references and facts about histories in tables; on Redis also the index, "
        "priority arrays and the log. Nothing is changed without --repair. Exit "
        "status 1 if something differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--repair",
            action="store_true",
            help="derive anew what differs; writers wait meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.adapter(options)
        found = adapter.differences()
        self._show(found)
        if found and options["repair"]:
            self.stdout.write(f"{adapter.repair():,} entities repaired")
            found = adapter.differences()
            self._show(found)
        if found:
            hint = "" if options["repair"] else "; --repair derives anew what it can"
            raise CommandError(f"{len(found):,} differences{hint}")
        self.stdout.write("no differences")

    def _show(self, found: list[str]) -> None:
        for line in found[:_SHOWN]:
            self.stdout.write(line)
        if len(found) > _SHOWN:
            self.stdout.write(f"and {len(found) - _SHOWN:,} more")
