"""``haystack_revert``: list, show and undo commits of entities."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.datetimes import iso_text
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.changes import UPDATE, Change
from haystack_app.storage.errors import ChangedSince, StorageError
from haystack_app.storage.reversal import Reversal
from haystack_app.wire.zinc_writer import display_text

from ._storage import StorageCommand

_LISTED = 100


class Command(StorageCommand):
    help = (
        "List the changes of an entity, show the commit that a change belongs to, and "
        "undo a commit, an entity of it or one of its tags. An undo is a commit, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        commands = parser.add_subparsers(dest="command", required=True)
        listing = commands.add_parser("list", help="changes of an entity, newest first")
        listing.add_argument("entity", metavar="ID")
        listing.add_argument("--limit", type=int, default=20)
        showing = commands.add_parser("show", help="a commit, and what undo would do")
        undoing = commands.add_parser("undo", help="undo a commit")
        for each in (showing, undoing):
            each.add_argument("change", metavar="CHANGE", type=int)
            each.add_argument("--entity", metavar="ID", help="only this entity")
            each.add_argument("--tag", help="only this tag of the entity")
            each.add_argument(
                "--force",
                action="store_true",
                help="also remove added entities that have samples, or to which "
                "others refer",
            )
        undoing.add_argument(
            "--partly",
            action="store_true",
            help="leave alone what was changed since, instead of undoing nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["command"] == "list":
                self._list(self.adapter(options), options)
            elif options["command"] == "show":
                self._show(self.adapter(options), options)
            else:
                self._undo(self.writable_adapter(options), options)
        except ChangedSince as error:
            raise CommandError(
                f"{error}\nNothing was stored; use --partly to undo the rest"
            ) from None
        except StorageError as error:
            raise CommandError(str(error)) from None

    def _list(self, store: StorageAdapter, options: dict[str, Any]) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit must be 1 or more")
        found = store.changes_of(_id(options), options["limit"])
        if not found:
            self.stdout.write(f"no changes of @{_id(options)}")
        for change in found:
            self._write_change(change)

    def _show(self, store: StorageAdapter, options: dict[str, Any]) -> None:
        entries = store.commit_entries(options["change"])
        for change in islice(entries, _LISTED):
            self._write_change(change)
        if (more := len(entries) - _LISTED) > 0:
            self.stdout.write(f".. and {more:,} more changes")
        chosen = {"id": _id(options), "tag": options["tag"], "force": options["force"]}
        self.stdout.write("Undo now:")
        self._write_result(store.reversal(options["change"], **chosen))

    def _undo(self, store: StorageAdapter, options: dict[str, Any]) -> None:
        done = store.revert(
            options["change"],
            id=_id(options),
            tag=options["tag"],
            partly=options["partly"],
            force=options["force"],
        )
        self._write_result(done)

    def _write_change(self, change: Change) -> None:
        by = f" by {change.who}" if change.who else ""
        at = iso_text(change.at)
        self.stdout.write(f"{change.cursor}  {at}  {change.kind} @{change.id}{by}")
        if change.kind == UPDATE:
            for name in sorted({*change.before, *change.after}):
                was, is_now = (
                    _shown(one, name) for one in (change.before, change.after)
                )
                self.stdout.write(f"    {name}: {was} -> {is_now}")

    def _write_result(self, done: Reversal) -> None:
        for conflict in done.conflicts[:_LISTED]:
            self.stderr.write(str(conflict))
        for ref in done.dangling[:_LISTED]:
            self.stderr.write(
                f"@{ref.id} {ref.path}: refers to @{ref.target}, which does not exist"
            )
        for id in done.samples_lost[:_LISTED]:
            self.stderr.write(f"@{id}: its samples were deleted with it")
        self.stdout.write(
            f"{len(done.updated):,} set back, {len(done.added):,} added again,"
            f" {len(done.removed):,} removed, {len(done.unchanged):,} as before"
            f" already, {len(done.conflicts):,} left as they are"
        )


def _id(options: dict[str, Any]) -> Any:
    return (options["entity"] or "").removeprefix("@") or None


def _shown(tags: Any, name: str) -> str:
    return display_text(tags[name]) if name in tags else "none"
