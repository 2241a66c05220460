"""``haystack_restore``: restore a back-up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.backups.restoring import restore, restore_plan

from ._backup import BackupCommand


class Command(BackupCommand):
    help = (
        "Restore a back-up to the databases and stores of the settings. Stop the "
        "server and its workers first. Without --replace, they must be empty."
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
            "--replace",
            action="store_true",
            help="replace databases and stores that are not empty",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be restored"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files, how = self.files_of(options), self.options_of(options)
        plan = restore_plan(files, how)
        self.stdout.write(f"{files} of {plan.manifest.created}")
        for line in plan.lines():
            self.stdout.write(f"  {line}")
        if options["dry_run"]:
            self.stdout.write("dry run, nothing restored")
            return
        if plan.content and not options["replace"]:
            raise CommandError(
                f"not empty: {'; '.join(plan.content.values())}. Nothing was restored."
                " Use --replace to replace this content"
            )
        is_older = restore(files, how, plan, self.say)
        self.stdout.write("restored")
        if is_older:
            self.stdout.write(
                "the back-up has an older schema: run manage.py migrate before you"
                " start the server"
            )
