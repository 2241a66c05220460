"""``haystack_copy``: everything of one store into another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.copying import MERGE, ONLY, REPLACE, copy_store
from haystack_app.transfer.stores import UnusableStore, is_same, named_store
from haystack_app.transfer.verifying import verify

from ._storage import Bars, refusals

_SHOWN = 20
_STORE = "an alias of the setting HAYSTACK, or a URL: postgresql, sqlite, redis"


class Command(BaseCommand):
    help = (
        "Copy entities, defs, priority arrays and histories from one store into "
        "another, and compare the two behind it. Run it again after an interruption: "
        "it goes on. Nobody should write to either store meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="source", required=True, help=_STORE)
        parser.add_argument("--to", dest="target", required=True, help=_STORE)
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--merge",
            dest="mode",
            action="store_const",
            const=MERGE,
            default=ONLY,
            help="entities that only the target has stay; of those that both have "
            "the source's tags, levels and samples take the place of the target's",
        )
        how.add_argument(
            "--replace",
            dest="mode",
            action="store_const",
            const=REPLACE,
            help="as --merge, and entities that only the target has are removed",
        )
        parser.add_argument(
            "--verify-only",
            action="store_true",
            help="copy nothing, compare only",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        with refusals():
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = named_store(options["source"]), named_store(options["target"])
        if is_same(source, target):
            raise UnusableStore("--from and --to are the same store")
        if not options["verify_only"]:
            self._copy(source, target, options["mode"])
        self._verify(source, target, whole=options["mode"] != MERGE)

    def _copy(self, source: StorageAdapter, target: StorageAdapter, mode: str) -> None:
        if not target.persistent:
            self.stderr.write(
                f"storage {target.alias!r} is in this process's memory: "
                "nothing is kept when the command ends"
            )
        with Bars() as watch:
            done = copy_store(source, target, mode=mode, watch=watch)
        self.stdout.write(
            f"copied {done.entities:,} entities, {done.samples:,} samples, "
            f"{done.levels:,} levels, {done.libs:,} def libraries; "
            f"removed {done.removed:,} entities"
        )

    def _verify(
        self, source: StorageAdapter, target: StorageAdapter, *, whole: bool
    ) -> None:
        with Bars() as watch:
            found = verify(source, target, whole=whole, watch=watch)
        self.stdout.write(f"source: {found.source}\ntarget: {found.target}")
        if found.differences:
            lines = ["the stores differ:", *found.differences[:_SHOWN]]
            if (more := len(found.differences) - _SHOWN) > 0:
                lines.append(f"and {more:,} more")
            raise CommandError("\n".join(lines))
        self.stdout.write("verified: the target holds what the source holds")
