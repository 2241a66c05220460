"""Options and errors of the commands of back-ups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from haystack_app.backups.encryption import key_from_file
from haystack_app.backups.files import BackupFiles
from haystack_app.backups.making import BackupOptions
from haystack_app.backups.nightly import configured_options
from haystack_app.backups.targets import located

from ._storage import refusals

__all__ = ["BackupCommand"]


class BackupCommand(BaseCommand):
    """A command with the key of back-ups."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--key-file",
            type=Path,
            metavar="FILE",
            help="a file with the key, 32 bytes in base64 (default: that of the setting"
            " BACKUP)",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        with refusals():
            return super().execute(*args, **options)

    def options_of(self, options: dict[str, Any]) -> BackupOptions:
        found = configured_options()
        if options["key_file"] is None:
            return found
        return BackupOptions(key_from_file(options["key_file"]), found.programs)

    def files_of(self, options: dict[str, Any]) -> BackupFiles:
        target, name = located(options["backup"])
        return BackupFiles(target, name, self.options_of(options).key)

    def say(self, what: str) -> None:
        self.stderr.write(what, lambda text: text)
