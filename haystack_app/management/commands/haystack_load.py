"""``haystack_load``: entities from Zinc, Trio and JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from haystack_app.transfer.entity_files import SUFFIXES
from haystack_app.transfer.loading import planned_changes, stored_files
from haystack_app.wire.files import files_in

from ._storage import StorageCommand, bar, changes_text


class Command(StorageCommand):
    help = (
        "Load entities from Zinc (.zinc), Trio (.trio) and JSON (.json) files, all or "
        "none. An entity that exists gets the new persistent tags and keeps its "
        "history."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check everything and tell what would change; store nothing",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="also remove every entity that the input lacks, with its history",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter, replace = self.adapter(options), options["replace"]
        files = files_in(options["paths"], SUFFIXES)
        stored = list(
            bar(iterable=stored_files(files), desc="checking", unit=" entities")
        )
        if options["dry_run"]:
            changes = planned_changes(adapter, stored, replace=replace)
        else:
            changes = self.writable_adapter(options).commit(
                stored, replace=replace, who="haystack_load"
            )
        prefix = "dry run, nothing stored: " if options["dry_run"] else ""
        self.stdout.write(
            f"{prefix}{len(stored):,} entities of {len(files):,} files: "
            f"{changes_text(changes)}"
        )
