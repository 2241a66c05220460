"""Imports a database of haystack-py: entities, samples, priority arrays.

Data that cannot be stored is rejected, with its id and the reason; all other data is
imported in atomic batches. Data that is already in the store is kept, so that another
run imports only what is missing, and later changes are not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.scalars import MARKER
from ...kinds.transient import TRANSIENT
from ...storage.base import StorageAdapter
from ...storage.errors import InvalidRecord, StorageError
from ...storage.orm.history import snapshot
from ...storage.samples import HisPoint
from ...storage.stored import Stored, stored_form
from ..checksums import canonical
from ..history_sync import KEEP, OVERWRITE, sync_history
from .json3 import AUTO, format_of, record_of, value_of
from .samples import SampleCounter, check_samples, chunks_of
from .tables import Layout, Survey, read_entities, read_levels, read_samples, survey

__all__ = ["AdoptOptions", "AdoptResult", "adopt"]

_WHO = "haystack_adopt"
_POINT_TAGS = ("id", "point", "his", "tz", "kind", "unit", "hisTsPrecision")

Progress = Callable[[str, int], object]


@dataclass(frozen=True, slots=True)
class AdoptOptions:
    """``tz``, ``kind`` and ``his`` are for points with samples that lack the tag."""

    format: str = AUTO
    tz: str | None = None
    kind: str | None = None
    his: bool = False
    overwrite: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class AdoptResult:
    """Counts of what was imported, and (id, reason) of what was rejected.

    ``empty`` counts samples without a value, ``duplicates`` samples that are replaced
    by a later one at the same time. ``kept`` are ids of entities that the store has
    with different tags.
    """

    format: str = ""
    entities: int = 0
    samples: int = 0
    points: int = 0
    levels: int = 0
    empty: int = 0
    duplicates: int = 0
    kept: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def adopt(
    connection: BaseDatabaseWrapper,
    layout: Layout,
    target: StorageAdapter,
    options: AdoptOptions,
    progress: Progress = lambda what, count: None,
) -> AdoptResult:
    """Import the data that the target does not have yet. Raises AmbiguousFormat."""
    return _Adoption(connection, layout, target, options, progress).run()


class _Adoption:
    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        layout: Layout,
        target: StorageAdapter,
        options: AdoptOptions,
        progress: Progress,
    ) -> None:
        self.connection, self.layout, self.target = connection, layout, target
        self.options, self.progress = options, progress
        self.result = AdoptResult()
        self.points: dict[str, dict[str, Any]] = {}
        """In a dry run: tags of entities that their histories depend on, by id."""

    def run(self) -> AdoptResult:
        self.result.format = self.options.format
        if self.options.format == AUTO:
            pages = read_entities(self.connection, self.layout)
            self.result.format = format_of(chain.from_iterable(pages))
        self.surveys = survey(self.connection, self.layout)
        for rows in read_entities(self.connection, self.layout):
            self._import_entities(rows)
            self.progress("entities", len(rows))
        for id, found in self.surveys.items():
            self._import_history(id, found)
            self.progress("points", 1)
        for id, number, text, who in read_levels(self.connection, self.layout):
            self._import_level(id, number, text, who)
        return self.result

    def _reject(self, id: str, reason: str) -> None:
        self.result.rejected.append((id, reason.removeprefix(f"@{id}").lstrip(": ")))

    # -- entities ---------------------------------------------------------------

    def _import_entities(self, rows: Sequence[tuple[str, str]]) -> None:
        valid = list(self._read(rows))
        existing = self.target.read_by_ids([row.stored.id for row in valid])
        put = []
        for row, before in zip(valid, existing, strict=True):
            tags = None if before is None else _user_tags(before)
            if tags == _user_tags(row.completed):
                continue
            if self.options.overwrite or tags in (None, _user_tags(row.record)):
                put.append(row)
            else:
                self.result.kept.append(row.stored.id)
        if self.options.dry_run:
            self.points |= {row.stored.id: _point_tags(row.completed) for row in put}
        self._put([row.stored for row in put])

    def _read(self, rows: Iterable[tuple[str, str]]) -> Iterator[_Row]:
        for id, text in rows:
            try:
                record = record_of(id, text, self.result.format)
                completed = self._completed(id, record)
                yield _Row(record, completed, stored_form(completed))
            except InvalidRecord as err:
                self._reject(id, str(err))

    def _completed(self, id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The tags, for a point with samples completed from the options."""
        record = dict(given)
        if id not in self.surveys:
            return record
        if self.options.tz:
            record.setdefault("tz", self.options.tz)
        if self.options.kind:
            record.setdefault("kind", self.options.kind)
        if self.options.his:
            record.setdefault("point", MARKER)
            record.setdefault("his", MARKER)
        return record

    def _put(self, batch: Sequence[Stored]) -> None:
        """Store the batch; if the store rejects it, each entity separately."""
        if self.options.dry_run or not batch:
            self.result.entities += len(batch)
            return
        try:
            self.target.commit(batch, who=_WHO)
            self.result.entities += len(batch)
        except StorageError as err:
            if len(batch) == 1:
                self._reject(batch[0].id, str(err))
                return
            for one in batch:
                self._put([one])

    # -- histories --------------------------------------------------------------

    def _import_history(self, id: str, found: Survey) -> None:
        self.result.empty += found.empty
        if found.count == found.empty:
            return
        record = self._record(id)
        try:
            if record is None:
                raise StorageError("samples without an entity that can be imported")
            point = HisPoint.of(record)
            check_samples(point, found)
        except StorageError as err:
            self._reject(id, f"{err} ({found.count:,} samples)")
            return
        self.result.points += 1
        if self.options.dry_run:
            self.result.samples += found.count - found.empty
        else:
            self.result.samples += self._sync(point)

    def _record(self, id: str) -> Mapping[str, Any] | None:
        """The point in the store; in a dry run, as it would be stored."""
        return self.points.get(id) or self.target.read_by_ids([id])[0]

    def _sync(self, point: HisPoint) -> int:
        counter = SampleCounter()
        with snapshot(self.connection):
            rows = counter.count_rows(
                read_samples(self.connection, self.layout, point.id)
            )
            written = sync_history(
                self.target,
                point.id,
                counter.count_samples(chunks_of(point, rows)),
                partial(self.target.his_restore, point.id),
                others=OVERWRITE if self.options.overwrite else KEEP,
            )
        self.result.duplicates += counter.rows - counter.samples
        self.progress("samples", counter.samples)
        return written

    # -- priority arrays --------------------------------------------------------

    def _import_level(self, id: str, number: int, text: str, who: str) -> None:
        try:
            value = value_of(text, self.result.format)
            existing = self.target.levels_of(id).get(number)
            if existing is not None and not self.options.overwrite:
                return
            if existing is not None and canonical(existing.val) == canonical(value):
                return
            if not self.options.dry_run:
                self.target.point_write(id, number, value, who)
            self.result.levels += 1
        except StorageError as err:
            self._reject(id, f"level {number}: {err}")


class _Row(NamedTuple):
    """A row's tags, the tags completed from the options, and their stored form."""

    record: Mapping[str, Any]
    completed: Mapping[str, Any]
    stored: Stored


def _point_tags(record: Mapping[str, Any]) -> dict[str, Any]:
    return {tag: record[tag] for tag in _POINT_TAGS if tag in record}


def _user_tags(record: Mapping[str, Any]) -> bytes:
    """The tags that users set, without those that the server computes."""
    computed = TRANSIENT | {"mod"}
    return canonical({name: record[name] for name in record if name not in computed})
