"""``haystack_copy``: copy a store into another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from haystack_app.kinds.display import and_more
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.store_copy import MERGE, REPLACE, STRICT, copy_store
from haystack_app.transfer.stores import UnusableStore, is_same, named_store
from haystack_app.transfer.verification import verify

from ._storage import ProgressBars, refusals

_MAX_SHOWN = 20
_STORE = "an alias of the setting HAYSTACK, or a URL: postgresql, sqlite, redis"


class Command(BaseCommand):
    help = (
        "Copy entities, defs, priority arrays and histories from one store into "
        "another, then compare the two. After an interruption, run the command again "
        "to continue. Do not write to either store during the copy."
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
            default=STRICT,
            help="keep entities that only the target has; replace tags, levels and "
            "samples of entities that both have with those of the source",
        )
        how.add_argument(
            "--replace",
            dest="mode",
            action="store_const",
            const=REPLACE,
            help="like --merge, but remove entities that only the target has",
        )
        parser.add_argument(
            "--verify-only",
            action="store_true",
            help="compare the stores without copying",
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
        self._verify(source, target, exact=options["mode"] != MERGE)

    def _copy(self, source: StorageAdapter, target: StorageAdapter, mode: str) -> None:
        if not target.persistent:
            self.stderr.write(
                f"storage {target.alias!r} is in the memory of this process: "
                "its content is lost when the command ends"
            )
        with ProgressBars() as progress:
            result = copy_store(source, target, mode=mode, progress=progress)
        self.stdout.write(
            f"copied {result.entities:,} entities, {result.samples:,} samples, "
            f"{result.levels:,} levels, {result.libs:,} def libraries; "
            f"removed {result.removed:,} entities"
        )

    def _verify(
        self, source: StorageAdapter, target: StorageAdapter, *, exact: bool
    ) -> None:
        with ProgressBars() as progress:
            result = verify(source, target, exact=exact, progress=progress)
        self.stdout.write(f"source: {result.source}\ntarget: {result.target}")
        if result.differences:
            lines = ["the stores differ:", *result.differences[:_MAX_SHOWN]]
            lines += and_more(len(result.differences) - _MAX_SHOWN)
            raise CommandError("\n".join(lines))
        self.stdout.write("verified: the target has the content of the source")
