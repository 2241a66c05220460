"""``haystack_check``: check the consistency of a store, and repair it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.display import and_more

from ._storage import StorageCommand

_MAX_SHOWN = 100


class Command(StorageCommand):
    help = (
        "Compare derived data of a store with its entities: tag sets, references and "
        "facts of histories; on SQLite and Redis also the index, on Redis priority "
        "arrays and the log. "
        "Nothing is changed without --repair. The exit status is 1 if differences "
        "remain."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--repair",
            action="store_true",
            help="derive the differing data again, in short transactions",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.adapter(options)
        differences = adapter.differences()
        self._show(differences)
        if differences and options["repair"]:
            self.stdout.write(f"{adapter.repair():,} entities repaired")
            differences = adapter.differences()
            self._show(differences)
        if differences:
            hint = "" if options["repair"] else "; run with --repair to repair them"
            raise CommandError(f"{len(differences):,} differences{hint}")
        self.stdout.write("no differences")

    def _show(self, differences: list[str]) -> None:
        more = and_more(len(differences) - _MAX_SHOWN)
        for line in (*differences[:_MAX_SHOWN], *more):
            self.stdout.write(line)
