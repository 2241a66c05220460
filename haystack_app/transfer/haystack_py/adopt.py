"""A database of haystack-py into a store: entities, samples, priority arrays.

What cannot be stored is refused, by id and with the reason; the rest comes over in
batches, each as a whole. What is in the store already stays, so that running it again
brings what is missing, and what was changed since is not lost.
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
from ..history_sync import KEEP, OVERWRITE, align
from .json3 import AUTO, format_of, record_of, value_of
from .samples import Counted, check_samples, chunks_of
from .tables import Layout, Survey, read_entities, read_levels, read_samples, survey

__all__ = ["Adopted", "Wishes", "adopt"]

_WHO = "haystack_adopt"
_OF_A_POINT = ("id", "point", "his", "tz", "kind", "unit", "hisTsPrecision")

Watch = Callable[[str, int], object]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to adopt: ``tz``, ``kind`` and ``his`` are for points that lack them."""

    format: str = AUTO
    tz: str | None = None
    kind: str | None = None
    his: bool = False
    overwrite: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Adopted:
    """What was done, in counts, and what was not: (id, reason).

    ``kept`` are ids of entities that the store has with other tags, ``empty`` samples
    without a value, ``merged`` those that a later one at the same time replaces.
    """

    format: str = ""
    entities: int = 0
    samples: int = 0
    points: int = 0
    levels: int = 0
    empty: int = 0
    merged: int = 0
    kept: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def adopt(
    connection: BaseDatabaseWrapper,
    layout: Layout,
    target: StorageAdapter,
    wishes: Wishes,
    watch: Watch = lambda what, count: None,
) -> Adopted:
    """Bring over what the target has not yet. Raises UnclearFormat."""
    return _Adoption(connection, layout, target, wishes, watch).run()


class _Adoption:
    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        layout: Layout,
        target: StorageAdapter,
        wishes: Wishes,
        watch: Watch,
    ) -> None:
        self.connection, self.layout, self.target = connection, layout, target
        self.wishes, self.watch = wishes, watch
        self.done = Adopted()
        self.points: dict[str, dict[str, Any]] = {}
        """In a dry run, what the histories of entities that would come depend on."""

    def run(self) -> Adopted:
        self.done.format = self.wishes.format
        if self.wishes.format == AUTO:
            pages = read_entities(self.connection, self.layout)
            self.done.format = format_of(chain.from_iterable(pages))
        self.surveys = survey(self.connection, self.layout)
        for rows in read_entities(self.connection, self.layout):
            self._entities(rows)
            self.watch("entities", len(rows))
        for id, found in self.surveys.items():
            self._history(id, found)
            self.watch("points", 1)
        for id, number, text, who in read_levels(self.connection, self.layout):
            self._level(id, number, text, who)
        return self.done

    def _refuse(self, id: str, reason: str) -> None:
        self.done.refused.append((id, reason.removeprefix(f"@{id}").lstrip(": ")))

    # -- entities ---------------------------------------------------------------

    def _entities(self, rows: Sequence[tuple[str, str]]) -> None:
        read = list(self._read(rows))
        held = self.target.read_by_ids([row.stored.id for row in read])
        put = []
        for row, before in zip(read, held, strict=True):
            model = None if before is None else _model(before)
            if model == _model(row.completed):
                continue
            if self.wishes.overwrite or model in (None, _model(row.record)):
                put.append(row)
            else:
                self.done.kept.append(row.stored.id)
        if self.wishes.dry_run:
            self.points |= {row.stored.id: _of_a_point(row.completed) for row in put}
        self._put([row.stored for row in put])

    def _read(self, rows: Iterable[tuple[str, str]]) -> Iterator[_Row]:
        for id, text in rows:
            try:
                record = record_of(id, text, self.done.format)
                completed = self._completed(id, record)
                yield _Row(record, completed, stored_form(completed))
            except InvalidRecord as err:
                self._refuse(id, str(err))

    def _completed(self, id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """With what a point with samples lacks, as far as it was said."""
        record = dict(given)
        if id not in self.surveys:
            return record
        if self.wishes.tz:
            record.setdefault("tz", self.wishes.tz)
        if self.wishes.kind:
            record.setdefault("kind", self.wishes.kind)
        if self.wishes.his:
            record.setdefault("point", MARKER)
            record.setdefault("his", MARKER)
        return record

    def _put(self, batch: Sequence[Stored]) -> None:
        """All at once; where one of them is refused, each by itself."""
        if self.wishes.dry_run or not batch:
            self.done.entities += len(batch)
            return
        try:
            self.target.commit(batch, who=_WHO)
            self.done.entities += len(batch)
        except StorageError as err:
            if len(batch) == 1:
                self._refuse(batch[0].id, str(err))
                return
            for one in batch:
                self._put([one])

    # -- histories --------------------------------------------------------------

    def _history(self, id: str, found: Survey) -> None:
        self.done.empty += found.empty
        if found.count == found.empty:
            return
        record = self._record(id)
        try:
            if record is None:
                raise StorageError("has samples, but no entity that could be adopted")
            point = HisPoint.of(record)
            check_samples(point, found)
        except StorageError as err:
            self._refuse(id, f"{err} ({found.count:,} samples)")
            return
        self.done.points += 1
        if self.wishes.dry_run:
            self.done.samples += found.count - found.empty
        else:
            self.done.samples += self._align(point, found)

    def _record(self, id: str) -> Mapping[str, Any] | None:
        """The point as the store has it; what it is to be, in a dry run."""
        return self.points.get(id) or self.target.read_by_ids([id])[0]

    def _align(self, point: HisPoint, found: Survey) -> int:
        counted = Counted()
        with snapshot(self.connection):
            rows = counted(read_samples(self.connection, self.layout, point.id))
            moved = align(
                self.target,
                point.id,
                counted.chunks(chunks_of(point, rows)),
                partial(self.target.his_restore, point.id),
                others=OVERWRITE if self.wishes.overwrite else KEEP,
            )
        self.done.merged += counted.rows - counted.samples
        self.watch("samples", counted.samples)
        return moved

    # -- priority arrays --------------------------------------------------------

    def _level(self, id: str, number: int, text: str, who: str) -> None:
        try:
            value = value_of(text, self.done.format)
            held = self.target.levels_of(id).get(number)
            if held is not None and not self.wishes.overwrite:
                return
            if held is not None and canonical(held.val) == canonical(value):
                return
            if not self.wishes.dry_run:
                self.target.point_write(id, number, value, who)
            self.done.levels += 1
        except StorageError as err:
            self._refuse(id, f"level {number}: {err}")


class _Row(NamedTuple):
    """A row's tags, the same with what was said of points, and how it is stored."""

    record: Mapping[str, Any]
    completed: Mapping[str, Any]
    stored: Stored


def _of_a_point(record: Mapping[str, Any]) -> dict[str, Any]:
    return {tag: record[tag] for tag in _OF_A_POINT if tag in record}


def _model(record: Mapping[str, Any]) -> bytes:
    """The tags that people give; the server's own come and go."""
    own = TRANSIENT | {"mod"}
    return canonical({name: record[name] for name in record if name not in own})
