"""``haystack_load``: load entities from Zinc, Trio, JSON and CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from haystack_app.transfer.entity_files import NAMED_SUFFIXES, SUFFIXES
from haystack_app.transfer.entity_load import EntityFiles, load_stored, planned_changes
from haystack_app.wire.files import files_in

from ._storage import (
    StorageCommand,
    changes_text,
    progress_bar,
    without_collections,
)


class Command(StorageCommand):
    help = (
        "Load entities from Zinc (.zinc), Trio (.trio), JSON (.json) and CSV (.csv) "
        "files. All files are checked before anything is stored. Existing entities get "
        "the new persistent tags and keep their history. Folders are searched for the "
        "first three."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="validate all files and show what would change; store nothing",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="also remove all entities that are not in the files, with their "
            "history",
        )

    @without_collections()
    def handle(self, *args: Any, **options: Any) -> None:
        adapter, replace = self.adapter(options), options["replace"]
        files = files_in(options["paths"], SUFFIXES, NAMED_SUFFIXES)
        reading = EntityFiles(adapter.namespace())
        stored = list(
            progress_bar(
                iterable=reading.stored(files), desc="validating", unit=" entities"
            )
        )
        if options["dry_run"]:
            changes = planned_changes(adapter, stored, replace=replace)
        else:
            changes = load_stored(
                self.writable_adapter(options),
                stored,
                replace=replace,
                at_once=reading.new_ids > 0,  # they would be added again
                who="haystack_load",
            )
        prefix = "dry run, nothing stored: " if options["dry_run"] else ""
        self.stdout.write(
            f"{prefix}{len(stored):,} entities from {len(files):,} files: "
            f"{changes_text(changes)}"
        )
        for note in reading.notes():
            self.stdout.write(note)
