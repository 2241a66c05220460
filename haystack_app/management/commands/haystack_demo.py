"""``haystack_demo``: load two fictional campuses with their history up to now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from haystack_app import demo
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.his_import import transaction_of

from ._storage import StorageCommand, changes_text, progress_bar

_POINTS_PER_WRITE = 50


class Command(StorageCommand):
    help = (
        "Load the demo campuses, their history of the last days, and the priority "
        "arrays of their points. Loading again continues the history up to now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing if the store has entities",
        )
        parser.add_argument(
            "--days", type=int, default=7, help="days of history (default: 7)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("--days must not be negative")
        adapter = self.writable_adapter(options)
        if options["if_empty"] and next(adapter.scan(), None) is not None:
            self.stdout.write("demo not loaded: the store has entities")
            return
        start_time, now = perf_counter(), timezone.now()
        records = list(demo.entities(at=now))
        with transaction_of(adapter):
            changes = adapter.load_entities(records, who=demo.WHO)
            start = now - dt.timedelta(days=options["days"])
            samples = load_history(adapter, records, start, now)
            written = write_levels(adapter, records, now)
        self.stdout.write(
            f"demo: {len(records):,} entities ({changes_text(changes)}), "
            f"{samples:,} samples, {written:,} writes in "
            f"{perf_counter() - start_time:.0f} s"
        )


def load_history(
    adapter: StorageAdapter,
    records: list[dict[str, Any]],
    start: dt.datetime,
    end: dt.datetime,
) -> int:
    """Write the samples of all points with a history. Returns their number."""
    points = [record for record in records if "his" in record]
    written = 0
    with progress_bar(desc="history", unit=" points", total=len(points)) as progress:
        for at in range(0, len(points), _POINTS_PER_WRITE):
            batch: Mapping[str, list[demo.Sample]] = {
                point["id"].id: list(demo.samples(point, start, end))
                for point in points[at : at + _POINTS_PER_WRITE]
            }
            adapter.his_write_all(batch)
            written += sum(map(len, batch.values()))
            progress.update(len(batch))
    return written


def write_levels(
    adapter: StorageAdapter, records: list[dict[str, Any]], now: dt.datetime
) -> int:
    """Write the levels of all writable points. Returns the number of changed ones."""
    points = [record for record in records if "writable" in record]
    written = 0
    for point in progress_bar(iterable=points, desc="commands", unit=" points"):
        id = point["id"].id
        existing = adapter.levels_of(id)
        for number, level in demo.levels(point, now, demo.WHO).items():
            if existing.get(number) != level:
                adapter.point_write(id, number, level.val, level.who, level.expires)
                written += 1
    return written
