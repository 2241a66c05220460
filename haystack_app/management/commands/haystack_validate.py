"""``haystack_validate``: what is wrong with entities, by the defs of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.defs import Problem, problems, refs_in
from haystack_app.filters import is_trash
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire.errors import ParseError
from haystack_app.wire.record import Record

from ._storage import StorageCommand, bar

_BATCH = 1_000
_SEVERITIES = ("error", "warning")
Tags = Mapping[str, Any]


class Command(StorageCommand):
    help = (
        "Check entities, all of them or those of a filter, against the defs of the "
        "storage. The exit status is 1 when there are errors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("filter", nargs="?", metavar="FILTER")
        parser.add_argument(
            "--severity",
            choices=_SEVERITIES,
            default="warning",
            help="the least that is shown (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.adapter(options)
        shown = _SEVERITIES[: _SEVERITIES.index(options["severity"]) + 1]
        counts: Counter[str] = Counter()
        records = _entities(adapter, options["filter"])
        for tags, found in bar(
            iterable=_checked(adapter, records), desc="checking", unit=" entities"
        ):
            counts["entities"] += 1
            counts["faulty"] += bool(found)
            counts.update(problem.severity for problem in found)
            self._report(tags, [one for one in found if one.severity in shown])
        self.stdout.write(
            f"{counts['entities']:,} entities: {counts['error']:,} errors and "
            f"{counts['warning']:,} warnings in {counts['faulty']:,} of them"
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
    """What is not in the trash."""
    found: Iterable[Record]
    try:
        found = adapter.scan() if filter is None else adapter.read(filter)
    except ParseError as err:
        raise CommandError(f"FILTER: {err}") from None
    return (record.tags for record in found if not is_trash(record.tags))


def _checked(
    adapter: StorageAdapter, records: Iterator[Tags]
) -> Iterator[tuple[Tags, list[Problem]]]:
    """Each entity with its problems; what it refers to is read by the batch."""
    namespace = adapter.namespace()
    while batch := list(islice(records, _BATCH)):
        refs = {
            ref.id
            for tags in batch
            for name, value in tags.items()
            for _, ref in refs_in(value, name)
        }
        wanted = sorted(refs)
        held = zip(wanted, adapter.read_by_ids(wanted), strict=True)
        known = {id: record.tags for id, record in held if record is not None}
        for tags in batch:
            yield tags, list(problems(tags, namespace, known.get))
