"""``haystack_load``: load entities from files and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.display import and_more
from haystack_app.storage.dangling_refs import DanglingRef, dangling_refs
from haystack_app.storage.short_transactions import commit_in_parts
from haystack_app.storage.spooled import SpooledRecords
from haystack_app.storage.stored import stored_forms
from haystack_app.transfer.entity_files import NAMED_SUFFIXES, SUFFIXES
from haystack_app.transfer.entity_load import EntityFiles, planned_changes
from haystack_app.transfer.entity_tables.description import table_description
from haystack_app.transfer.entity_tables.options import EntityTableOptions
from haystack_app.transfer.tables.options import TableOptions
from haystack_app.wire.files import files_in

from ._server_arguments import add_server_arguments, records_of_server, source_of
from ._standard_input import with_standard_input
from ._storage import (
    StorageCommand,
    changes_text,
    progress_bar,
    without_collections,
)
from ._table_arguments import add_dialect_arguments, add_errors_argument, error_report

_LISTED = 50


class Command(StorageCommand):
    help = (
        "Load entities from Zinc (.zinc), Trio (.trio), JSON (.json) and CSV (.csv) "
        "files, and from tables with a column for each tag (.csv, .tsv, .txt, .xlsx, "
        "also .gz). All files are checked before anything is stored. Existing entities "
        "get the new persistent tags and keep their history. Folders are searched for "
        "the first three. A URL is the API of a Haystack server, whose entities are "
        "fetched once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "paths", nargs="+", type=source_of, metavar="FILE|DIR|-|URL"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="validate all files, show what would change and which Refs have no "
            "entity; store nothing",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="also remove all entities that are not in the files, with their "
            "history",
        )
        add_errors_argument(parser)
        group = parser.add_argument_group("tables")
        group.add_argument(
            "--sheet",
            metavar="NAME",
            help="the sheet of an .xlsx (default: the first with content)",
        )
        group.add_argument(
            "--ignore",
            action="append",
            default=[],
            metavar="HEADER",
            help="leave a column out",
        )
        add_dialect_arguments(group)
        add_server_arguments(parser)

    @without_collections()
    def handle(self, *args: Any, **options: Any) -> None:
        if urls := [one for one in options["paths"] if isinstance(one, str)]:
            self._load_from(urls, options)
            return
        with with_standard_input(options["paths"]) as paths:
            self._load(files_in(paths, SUFFIXES, NAMED_SUFFIXES, packed=True), options)

    def _load_from(self, urls: list[str], options: dict[str, Any]) -> None:
        if len(options["paths"]) > 1 or options["replace"]:
            raise CommandError("a URL is loaded alone, and without --replace")
        adapter = self.adapter(options)
        stored = stored_forms(records_of_server(urls[0], options))
        if options["dry_run"]:
            changes = planned_changes(adapter, stored)
        else:
            changes = commit_in_parts(adapter, stored, who="haystack_load")
        prefix = "dry run, nothing stored: " if options["dry_run"] else ""
        counts = changes_text(changes)
        self.stdout.write(f"{prefix}{len(stored):,} entities from {urls[0]}: {counts}")

    def _load(self, files: list[Path], options: dict[str, Any]) -> None:
        adapter, replace = self.adapter(options), options["replace"]
        with error_report(options["errors"]) as report:
            reading = EntityFiles(
                adapter.namespace(),
                options=_table_options(options),
                existing=tuple if replace else adapter.scan,
                report=report,
            )
            found = reading.stored(files)
            stored = SpooledRecords(
                progress_bar(iterable=found, desc="validating", unit=" entities")
            )
        for table in reading.tables:
            for line in table_description(table):
                self.stdout.write(line)
        if options["dry_run"]:
            changes = planned_changes(adapter, stored, replace=replace)
        else:
            store, how = self.writable_adapter(options), {"replace": replace}
            if reading.new_ids:  # they would be added again
                changes = store.commit(stored, **how, who="haystack_load")
            else:
                changes = commit_in_parts(store, stored, **how, who="haystack_load")
        prefix = "dry run, nothing stored: " if options["dry_run"] else ""
        self.stdout.write(
            f"{prefix}{len(stored):,} entities from {len(files):,} files: "
            f"{changes_text(changes)}"
        )
        for note in reading.notes():
            self.stdout.write(note)
        if options["dry_run"] or reading.tables:
            self._print_dangling(
                list(dangling_refs(adapter, stored, replace=replace)), reading
            )

    def _print_dangling(self, refs: list[DanglingRef], reading: EntityFiles) -> None:
        if refs:
            self.stdout.write(f"{len(refs):,} Refs to entities that do not exist:")
        for ref in refs[:_LISTED]:
            path, where = reading.positions[ref.id]
            self.stdout.write(
                f"  {path}, {where}: {ref.path} of @{ref.id} is @{ref.target}"
            )
        for line in and_more(len(refs) - _LISTED, indent="  "):
            self.stdout.write(line)


def _table_options(options: dict[str, Any]) -> EntityTableOptions:
    table = TableOptions(
        delimiter=options["delimiter"],
        decimal=options["decimal"],
        dates=options["dates"],
        ignore=tuple(options["ignore"]),
        no_value=tuple(options["no_value"]),
    )
    return EntityTableOptions(options["sheet"], table)
