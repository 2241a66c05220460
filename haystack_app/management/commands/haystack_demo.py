"""``haystack_demo``: load two fictional campuses with their history up to now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.text import slugify

from haystack_app import demo
from haystack_app.demo.alarms import make_rules
from haystack_app.models import Dashboard
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import DEFAULT_ALIAS
from haystack_app.transfer.his_import import transaction_of

from ._storage import StorageCommand, changes_text, progress_bar

_POINTS_PER_WRITE = 50
_DAYS_PER_WRITE = 2_000
"""Days of single points, of 96 samples each: they are in memory together."""


class Command(StorageCommand):
    help = (
        "Load the demo campuses, their history of the last days, the priority arrays "
        "of their points, and rules of alarms. Loading again continues the history up "
        "to now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing if the store has entities",
        )
        parser.add_argument(
            "--days",
            type=int,
            help="days of history (default: 7, and a year of the meters and one AHU)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days: int | None = options["days"]
        if days is not None and days < 0:
            raise CommandError("--days must not be negative")
        adapter = self.writable_adapter(options)
        if options["if_empty"] and next(adapter.scan(), None) is not None:
            self.stdout.write("demo not loaded: the store has entities")
            return
        start_time, now = perf_counter(), timezone.now()
        records = list(demo.entities(at=now))
        with transaction_of(adapter):
            changes = adapter.load_entities(records, who=demo.WHO)
            samples = load_history(adapter, records, partial(history_age, days), now)
            written = write_levels(adapter, records, now)
        make_dashboards(adapter.alias)
        rules = make_rules(adapter.alias)
        self.stdout.write(
            f"demo: {len(records):,} entities ({changes_text(changes)}), "
            f"{samples:,} samples, {written:,} writes, {rules} rules of alarms in "
            f"{perf_counter() - start_time:.0f} s"
        )


def history_age(days: int | None, point: Mapping[str, Any]) -> dt.timedelta:
    """How far back the history of a point goes; ``days`` as it was asked for."""
    usual = 365 if demo.has_year(point) else 7
    return dt.timedelta(days=usual if days is None else days)


def make_dashboards(alias: str) -> None:
    """The demo's dashboards of a project, unless they exist."""
    suffix = "" if alias == DEFAULT_ALIAS else f"-{slugify(alias)}"
    for values in demo.DASHBOARDS:
        slug = f"{values['slug']}{suffix}"
        given = {**values, "slug": slug, "storage": alias, "everyone": True}
        Dashboard.objects.get_or_create(slug=slug, defaults=given)


def load_history(
    adapter: StorageAdapter,
    records: list[dict[str, Any]],
    age_of: Callable[[Mapping[str, Any]], dt.timedelta],
    end: dt.datetime,
) -> int:
    """Write the samples of all points with a history. Returns their number."""
    points = [record for record in records if "his" in record]
    written = 0
    with progress_bar(desc="history", unit=" points", total=len(points)) as progress:
        for batch in _batches(points, age_of):
            samples: Mapping[str, list[demo.Sample]] = {
                point["id"].id: list(demo.samples(point, end - age_of(point), end))
                for point in batch
            }
            adapter.his_write_all(samples)
            written += sum(map(len, samples.values()))
            progress.update(len(batch))
    return written


def _batches(
    points: list[dict[str, Any]], age_of: Callable[[Mapping[str, Any]], dt.timedelta]
) -> Iterator[list[dict[str, Any]]]:
    """Points that are written together; fewer of those with many samples."""
    batch: list[dict[str, Any]] = []
    days = 0
    for point in points:
        batch.append(point)
        days += age_of(point).days
        if days >= _DAYS_PER_WRITE or len(batch) >= _POINTS_PER_WRITE:
            yield batch
            batch, days = [], 0
    if batch:
        yield batch


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
