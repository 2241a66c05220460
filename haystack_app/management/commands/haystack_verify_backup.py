"""``haystack_verify_backup``: prove a back-up without restoring over anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from haystack_app.backups.proof import drill, verify_backup

from ._backup import BackupCommand


class Command(BackupCommand):
    help = (
        "Prove a back-up: that it is complete, its files are those that were written, "
        "they can be decrypted and read, and counts and checksums are right. Changes "
        "no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "backup",
            metavar="BACKUP",
            help="a back-up, such as DIR/20261130T010000Z, or the newest one of a DIR "
            "or s3://BUCKET/PREFIX",
        )
        parser.add_argument(
            "--restore",
            action="store_true",
            help="also restore each part to a scratch database on its server, compare "
            "it, and drop it again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files, prove = self.files_of(options), verify_backup
        if options["restore"]:
            prove = drill
        manifest = prove(files, self.options_of(options), self.say)
        for part in manifest.parts:
            self.stdout.write(f"{part}: {part.rows:,} rows, {part.size:,} bytes")
        proved = "restored and compared" if options["restore"] else "proved"
        self.stdout.write(f"{files} of {manifest.created}: {proved}")
