"""``haystack_his_undo``: list, show and undo changes of samples."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.datetimes import iso_text
from haystack_app.kinds.display import and_more
from haystack_app.kinds.scalars import Number
from haystack_app.kinds.series import instant_of
from haystack_app.storage.sample_edits import SampleEdit
from haystack_app.wire.zinc_writer import display_text

from ._storage import StorageCommand

_LISTED = 100


class Command(StorageCommand):
    help = (
        "List, show and undo imports and writes that replaced or removed samples. They "
        "are kept for HAYSTACK['SAMPLE_UNDO_DAYS'] days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        commands = parser.add_subparsers(dest="command", required=True)
        listing = commands.add_parser("list", help="changes, the newest first")
        listing.add_argument("--point", metavar="ID", help="only of this point")
        listing.add_argument("--limit", type=int, default=20)
        for name, help in (
            ("show", "the samples before and after a change"),
            ("undo", "restore the samples that were not changed since"),
        ):
            commands.add_parser(name, help=help).add_argument(
                "change", metavar="CHANGE"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] == "list":
            self._list(options)
        elif options["command"] == "show":
            self._show(self.adapter(options).sample_edits(options["change"]))
        else:
            self._undo(options)

    def _list(self, options: dict[str, Any]) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit must be 1 or more")
        point = (options["point"] or "").removeprefix("@") or None
        found = self.adapter(options).sample_changes(options["limit"], point)
        if not found:
            self.stdout.write("no changes of samples")
        for one in found:
            by = f" by {one.origin.user}" if one.origin.user else ""
            self.stdout.write(
                f"{one.origin.change}  {iso_text(one.at)}  {one.origin.kind}{by}:"
                f" {one.samples:,} samples of {one.points:,} points"
            )

    def _show(self, edits: list[SampleEdit]) -> None:
        left = _LISTED
        for edit in edits:
            for time, before, after in edit.samples[: max(left, 0)]:
                ts = iso_text(instant_of(time))
                self.stdout.write(
                    f"@{edit.id}  {ts}  {_shown(before)} -> {_shown(after)}"
                )
            left -= len(edit.samples)
        for line in and_more(-left, "samples"):
            self.stdout.write(line)

    def _undo(self, options: dict[str, Any]) -> None:
        done = self.writable_adapter(options).undo_samples(options["change"])
        for id in done.missing:
            self.stderr.write(f"@{id}: not found, or without a history")
        self._name(done.conflicts, "changed since, left as it is")
        self._name(
            done.dropped,
            "not restored: earlier samples were dropped by a policy,"
            " which refuses late ones",
        )
        self.stdout.write(
            f"{done.restored:,} samples restored,"
            f" {len(done.conflicts):,} changed since and left as they are"
        )

    def _name(self, samples: list[tuple[str, int]], why: str) -> None:
        for id, time in samples[:_LISTED]:
            self.stderr.write(f"@{id}  {iso_text(instant_of(time))}: {why}")
        for line in and_more(len(samples) - _LISTED, f"samples: {why}"):
            self.stderr.write(line)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return display_text(Number(value) if type(value) is float else value)
