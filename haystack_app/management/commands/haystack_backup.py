"""``haystack_backup``: back up all databases and stores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.backups.making import make_backup
from haystack_app.backups.retention import delete_old
from haystack_app.backups.targets import target_of
from haystack_app.conf import app_settings

from ._backup import BackupCommand


class Command(BackupCommand):
    help = (
        "Back up the databases, with entities, histories, users, tokens and logs, and "
        "stores on Redis, while the server runs. Each back-up is a folder named by its "
        "time. The memory store cannot be backed up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "target",
            nargs="?",
            metavar="DIR|s3://BUCKET/PREFIX",
            help="where back-ups are kept (default: that of the setting BACKUP)",
        )
        parser.add_argument(
            "--storage",
            action="append",
            default=[],
            metavar="ALIAS",
            help="only this storage; may be repeated. The default database is always "
            "backed up",
        )
        parser.add_argument(
            "--delete-old",
            action="store_true",
            help="afterwards, keep the newest of 7 days, 4 weeks and 12 months only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = options["target"] or app_settings.BACKUP["TARGET"]
        if not given:
            raise CommandError("name a folder or s3://bucket, or set BACKUP")
        target = target_of(given)
        aliases = options["storage"] or app_settings.BACKUP["STORAGES"]
        name, manifest = make_backup(
            target, self.options_of(options), aliases, self.say
        )
        for part in manifest.parts:
            self.stdout.write(f"{part}: {part.rows:,} rows, {part.size:,} bytes")
        kind = "encrypted" if manifest.encrypted else "not encrypted"
        self.stdout.write(f"{target}/{name}: {manifest.size:,} bytes, {kind}")
        if options["delete_old"]:
            for old in delete_old(target, dt.datetime.now(dt.UTC)):
                self.stdout.write(f"deleted {target}/{old}")
