"""``haystack_load_defs``: load def libraries from Trio, Zinc and JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.defs import Def, read_libraries
from haystack_app.kinds.display import and_more
from haystack_app.wire.files import UnreadableFile

from ._storage import StorageCommand

_LISTED = 50


class Command(StorageCommand):
    help = (
        "Load def libraries from Trio (.trio), Zinc (.zinc) and JSON (.json) files, "
        "all or none. A library replaces the loaded library of the same name. Files of "
        "folders that have no def are skipped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.writable_adapter(options)
        skipped: list[Path] = []
        try:
            libraries = read_libraries(options["paths"], skipped)
        except UnreadableFile as err:
            raise CommandError(str(err)) from None
        adapter.load_defs(libraries)
        for lib in sorted(libraries):
            self.stdout.write(f"{lib}: {_counts(libraries[lib])}")
        if skipped:
            self.stdout.write(f"skipped {len(skipped):,} files without defs:")
        for path in skipped[:_LISTED]:
            self.stdout.write(f"  {path}")
        for line in and_more(len(skipped) - _LISTED, indent="  "):
            self.stdout.write(line)
        total = [record for records in libraries.values() for record in records]
        self.stdout.write(
            f"loaded {_counts(total)} of {len(libraries):,} libs; "
            f"storage {adapter.alias!r} has {len(adapter.namespace()):,} defs"
        )


def _counts(records: list[Def]) -> str:
    extensions = sum("defx" in record for record in records)
    text = f"{len(records) - extensions:,} defs"
    return f"{text} and {extensions:,} extensions" if extensions else text
