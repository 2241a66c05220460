"""``haystack_validate``: validate entities against the defs of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.defs import Problem, problems, refs_in
from haystack_app.filters import is_trash
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.collection import Collection, CollectionError
from haystack_app.storage.freshness import STALE_TIME, stale_after
from haystack_app.wire.errors import ParseError
from haystack_app.wire.record import Record

from ._storage import StorageCommand, progress_bar

_BATCH = 1_000
_SEVERITIES = ("error", "warning")
Tags = Mapping[str, Any]


class Command(StorageCommand):
    help = (
        "Validate entities, all or those that match a filter, against the defs of the "
        "storage. The exit status is 1 if there are errors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("filter", nargs="?", metavar="FILTER")
        parser.add_argument(
            "--severity",
            choices=_SEVERITIES,
            default="warning",
            help="lowest severity to show (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.adapter(options)
        shown = _SEVERITIES[: _SEVERITIES.index(options["severity"]) + 1]
        counts: Counter[str] = Counter()
        records = _entities(adapter, options["filter"])
        for tags, found in progress_bar(
            iterable=_validated(adapter, records), desc="validating", unit=" entities"
        ):
            counts["entities"] += 1
            counts["invalid"] += bool(found)
            counts.update(problem.severity for problem in found)
            self._report(tags, [one for one in found if one.severity in shown])
        self.stdout.write(
            f"{counts['entities']:,} entities: {counts['error']:,} errors and "
            f"{counts['warning']:,} warnings in {counts['invalid']:,} of them"
        )
        if counts["error"]:
            raise CommandError(f"{counts['error']:,} errors found")

    def _report(self, tags: Tags, found: list[Problem]) -> None:
        if not found:
            return
        dis = tags.get("dis")
        self.stdout.write(f"{tags['id']}" + (f" {dis}" if isinstance(dis, str) else ""))
        for one in sorted(found, key=lambda one: (one.severity, one.tag)):
            self.stdout.write(f"  {one.severity:7}  {one.tag}: {one.message}")


def _entities(adapter: StorageAdapter, filter: str | None) -> Iterator[Tags]:
    """The entities that are not in the trash."""
    found: Iterable[Record]
    try:
        found = adapter.scan() if filter is None else adapter.read(filter)
    except ParseError as err:
        raise CommandError(f"FILTER: {err}") from None
    return (record.tags for record in found if not is_trash(record.tags))


def _validated(
    adapter: StorageAdapter, records: Iterator[Tags]
) -> Iterator[tuple[Tags, list[Problem]]]:
    """Each entity with its problems. Targets of refs are read once per batch."""
    namespace = adapter.namespace()
    while batch := list(islice(records, _BATCH)):
        refs = {
            ref.id
            for tags in batch
            for name, value in tags.items()
            for _, ref in refs_in(value, name)
        }
        ids = sorted(refs)
        targets = zip(ids, adapter.read_by_ids(ids), strict=True)
        by_id = {id: record.tags for id, record in targets if record is not None}
        for tags in batch:
            found = [*problems(tags, namespace, by_id.get), *_collection(tags)]
            yield tags, found


def _collection(tags: Tags) -> Iterator[Problem]:
    """Tags that ask for a collection of samples that is not possible."""
    try:
        Collection.of(tags)
    except CollectionError as err:
        yield Problem(tags["id"].id, err.tag, err.why, "error")
    try:
        stale_after(tags)
    except ValueError as err:
        yield Problem(tags["id"].id, STALE_TIME, str(err), "error")
