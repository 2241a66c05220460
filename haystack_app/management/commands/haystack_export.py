"""``haystack_export``: write histories into a folder, a file a month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from haystack_app.auth.caller import Caller
from haystack_app.filters import with_history
from haystack_app.kinds.series import microseconds_of
from haystack_app.ops import Context, OpError
from haystack_app.ops.arguments import require_filter
from haystack_app.ops.his_points import historized, matching
from haystack_app.ops.his_range import parse_range
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.his_export import FORMATS, ExportedPoint, Exports
from haystack_app.wire.errors import ParseError
from haystack_app.wire.record import Record

from ._storage import StorageCommand, progress_bar


class Command(StorageCommand):
    help = (
        "Export the samples of points into a folder, a file a month (UTC), such as "
        "year=2024/month=03/samples.parquet, with a manifest of counts and checksums. "
        "An export that was stopped goes on; haystack_his_import reads the folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--format",
            choices=FORMATS,
            default="parquet",
            help="(default: %(default)s, which needs the extra arrow)",
        )
        parser.add_argument(
            "--filter",
            metavar="F",
            help="a Haystack filter (default: all points with history)",
        )
        parser.add_argument(
            "--range",
            metavar="RANGE",
            help="as for hisRead, in the time zone of each point (default: everything)",
        )
        parser.add_argument(
            "--user",
            metavar="NAME",
            help="export only what this user may see",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {name: options[name] for name in ("format", "filter", "range", "user")}
        store = _visible(self.adapter(options), options["user"])
        export = Exports(options["folder"], asked, dt.datetime.now(dt.UTC))
        try:
            records = _records(store, options["filter"])
            points = _points(records, options["range"], export.begun)
        except (OpError, ParseError) as err:
            raise CommandError(str(err)) from None
        try:
            bar = progress_bar(desc="exporting", unit=" samples", unit_scale=True)
            with bar:
                export.write(store, points, bar.update)
        except OSError as err:
            raise CommandError(f"{options['folder']}: {err.strerror or err}") from None
        months = export.manifest["months"].values()
        files = sum(month["rows"] > 0 for month in months)
        size = sum(month.get("bytes", 0) for month in months)
        self.stdout.write(
            f"{export.rows:,} samples of {len(points):,} points in {files:,} files,"
            f" {size:,} bytes"
        )


def _visible(store: StorageAdapter, name: str | None) -> StorageAdapter:
    """The store as a user sees it. Raises CommandError."""
    if name is None:
        return store
    users = get_user_model()
    try:
        user = users._default_manager.get_by_natural_key(name)
    except users.DoesNotExist:
        raise CommandError(f"--user: unknown user {name!r}") from None
    caller = Caller(user)
    if not user.is_active or not caller.has_permission("view_entity"):
        raise CommandError(f"--user: {name!r} may not read entities (view_entity)")
    scope = caller.scope
    return store if scope is None else store.visible_to(scope, caller.guard)


def _records(store: StorageAdapter, filter: str | None) -> list[Record]:
    tree = None if filter is None else require_filter(filter)
    return matching(Context(store), with_history(tree), what="points with history")


def _points(
    records: Sequence[Record], range: str | None, begun: dt.datetime
) -> list[ExportedPoint]:
    """Raises ParseError, and OpError for points without a valid zone."""
    found = []
    for point, record in zip(historized(records, by_filter=True), records, strict=True):
        first, last = record.get("hisStart"), record.get("hisEnd")
        start = end = 0
        if first is not None and last is not None:
            start, end = microseconds_of(first.utc), microseconds_of(last.utc) + 1
        if range is not None:
            span = parse_range(range, point.tz, begun)
            start = max(start, microseconds_of(span.start.utc))
            if span.until is not None:
                end = min(end, microseconds_of(span.until))
        dis = record.get("dis")
        name = dis if isinstance(dis, str) else None
        found.append(ExportedPoint(point, name, start, max(start, end)))
    return found
