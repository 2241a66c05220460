"""Facts of histories, such as ``hisSize``, and samples that plain SQL may change.

``drop_chunks``, DELETE and INSERT by SQL leave them out of date. The ends of a history
are four look-ups in its index; its size is only known by counting. So the worker
compares the ends, a few points at a time, and a check counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connections
from django.db.models import Count, F, OuterRef, Subquery

from ...kinds.datetimes import DateTime
from ...kinds.scalars import Number
from ...kinds.series import microseconds_of
from ...kinds.transient import HIS_FACTS
from ...models import Entity, HisSample, HistoryTask
from ...models.lookups import OneOf
from ...wire import hayson_reader, hayson_writer
from ...wire.errors import ParseError
from ..samples import Extent
from .entities import OrmEntities
from .history import snapshot
from .postgres_history import ends as history_ends

__all__ = ["POINTS", "Facts", "compared", "extents", "groups", "suspects", "window"]

POINTS = 100
"""Entities whose samples one statement counts."""
_SAMPLES = 200_000
"""Samples that are counted with their points locked, unless one point has more."""

Ends = tuple[dt.datetime | None, dt.datetime | None, Any]
"""Times of the first and the last sample, and its value: a float or another kind."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Size, ends and last value (Hayson) of a history; ``size`` None: not counted."""

    size: int | None
    start: dt.datetime | None
    end: dt.datetime | None
    last: str | None

    @classmethod
    def of(cls, cur: str) -> Facts:
        """The facts that an entity has; unreadable ones are none."""
        tags = orjson.loads(cur)
        found = {name: _decoded(tags[name]) for name in HIS_FACTS if name in tags}
        size, value = found.get("hisSize"), found.get("hisEndVal")
        start, end = (found.get(name) for name in ("hisStart", "hisEnd"))
        return cls(
            int(size.val) if isinstance(size, Number) else 0,
            start.utc if isinstance(start, DateTime) else None,
            end.utc if isinstance(end, DateTime) else None,
            None if value is None else _text(value),
        )

    def difference(self, stored: Facts) -> str:
        """What the stored facts have wrong; empty if nothing."""
        if self.size is not None and self.size != stored.size:
            return f"hisSize is {stored.size}, the history has {self.size} samples"
        if (self.start, self.end) != (stored.start, stored.end):
            return "hisStart or hisEnd is not that of the history"
        if self.last != stored.last:
            return "hisEndVal is not the last value of the history"
        return ""


def _decoded(value: Any) -> Any:
    try:
        return hayson_reader.decode(value)
    except (ParseError, ValueError):
        return None


def _text(value: Any) -> str:
    """A value without its unit, which is the point's."""
    if isinstance(value, Number):
        value = Number(value.val)
    return orjson.dumps(hayson_writer.encode(value)).decode()


def window(using: str, after: str, size: int) -> tuple[list[str], str]:
    """Those of the next entities that may have a history, and the last id looked at.

    The id is empty after the last entity.
    """
    rows = Entity.rows.using(using).filter(id__gt=after).order_by("id")
    found = list(rows.values_list("id", "tags", "cur")[:size])
    ids = [id for id, tags, cur in found if '"his"' in tags or '"hisSize"' in cur]
    return ids, found[-1][0] if len(found) == size else ""


def suspects(store: OrmEntities, ids: Sequence[str]) -> list[tuple[str, int]]:
    """Entities whose ends of the history are not those of the samples, with the size
    that they say it has."""
    found = list(_suspects(store, ids))
    if not (found and store.is_split):
        return found
    # writers between two statements cause differences, too
    with store.locked([id for id, _ in found]):
        return list(_suspects(store, [id for id, _ in found]))


def _suspects(store: OrmEntities, ids: Sequence[str]) -> Iterator[tuple[str, int]]:
    for id, cur, ends in _ends(store, ids):
        stored = Facts.of(cur)
        if _facts(None, ends).difference(stored):
            yield id, stored.size or 0


def groups(sized: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Ids of histories that are counted together, few if they are long."""
    group: list[str] = []
    total = 0
    for id, size in sized:
        if group and (len(group) == POINTS or total + size > _SAMPLES):
            yield group
            group, total = [], 0
        group.append(id)
        total += size
    if group:
        yield group


def extents(store: OrmEntities, ids: Sequence[str]) -> dict[str, Extent]:
    """Extents of histories, of existing entities alone, by a few statements."""
    samples = HisSample.objects.using(store.history_using).order_by()
    rows = samples.filter(OneOf(F("point_id"), ids)).values_list("point_id")
    sizes = dict(rows.annotate(Count("ts")))
    found = {}
    for id, _, (first, last, value) in _ends(store, ids):
        found[id] = Extent(0)
        if first is not None and last is not None:
            ends = microseconds_of(first), microseconds_of(last)
            found[id] = Extent(sizes[id], *ends, value)
    return found


def compared(store: OrmEntities) -> Iterator[tuple[str, int, str]]:
    """Id, size and difference of each history whose facts are wrong; counts them all.

    Each batch of entities and samples is read from one snapshot, so that writers
    cause no difference; of two databases, what differs is read again with its points
    locked.
    """
    after = ""
    while True:
        with snapshot(connections[store.using]):
            rows = Entity.rows.using(store.using).filter(id__gt=after).order_by("id")
            ids = list(rows.values_list("id", flat=True)[:POINTS])
            last = ids[-1] if len(ids) == POINTS else None
            sizes = _sizes(store.history_using, after, last)
            found = list(_differences(store, ids, sizes))
        if found and store.is_split:
            found = _still_different(store, found)
        yield from found
        if last is None:
            return
        after = last


def _differences(
    store: OrmEntities, ids: Sequence[str], sizes: dict[str, int]
) -> Iterator[tuple[str, int, str]]:
    """Of entities, and of samples without one; ``sizes`` are those of histories."""
    for id, cur, ends in _ends(store, ids):
        size = sizes.pop(id, 0)
        if text := _facts(size, ends).difference(Facts.of(cur)):
            yield id, size, text
    for id, size in sorted(sizes.items()):
        yield id, size, "samples exist, but the entity does not"


def _still_different(
    store: OrmEntities, found: Iterable[tuple[str, int, str]]
) -> list[tuple[str, int, str]]:
    """Without those of writers that were between their two commits."""
    settled: list[tuple[str, int, str]] = []
    for id, *_ in found:
        with store.locked([id]):
            removals = HistoryTask.objects.using(store.history_using)
            if removals.filter(point_id=id, is_removal=True).exists():
                continue
            samples = HisSample.objects.using(store.history_using)
            size = samples.filter(point_id=id).count()
            settled += _differences(store, [id], {id: size} if size else {})
    return settled


def _facts(size: int | None, ends: Ends) -> Facts:
    first, last, value = ends
    if last is not None:
        value = _text(Number(value) if type(value) is float else value)
    return Facts(size, first, last, value)


def _sizes(using: str, after: str, last: str | None) -> dict[str, int]:
    """Numbers of samples by id, after an id and up to another one."""
    samples = HisSample.objects.using(using).order_by().filter(point_id__gt=after)
    if last is not None:
        samples = samples.filter(point_id__lte=last)
    return dict(samples.values_list("point_id").annotate(Count("ts")))


def _ends(store: OrmEntities, ids: Sequence[str]) -> Iterator[tuple[str, str, Ends]]:
    """Id, transient tags, and the ends of the history, by one statement of each
    database."""
    rows = Entity.rows.using(store.using).filter(OneOf(F("id"), ids)).order_by("id")
    if store.is_split:
        found = rows.values_list("id", "cur")
        held = dict(history_ends(store.samples, ids))
        for id, cur in found:
            yield id, cur, _decoded_ends(*held[id])
        return
    own = HisSample.objects.using(store.using).filter(point_id=OuterRef("id"))
    first, last = own.order_by("ts"), own.order_by("-ts")
    for id, cur, *ends in rows.values_list(
        *("id", "cur"),
        Subquery(first.values("ts")[:1]),
        Subquery(last.values("ts")[:1]),
        Subquery(last.values("val")[:1]),
        Subquery(last.values("obj")[:1]),
    ):
        yield id, cur, _decoded_ends(*ends)


def _decoded_ends(start: Any, end: Any, val: float | None, obj: str | None) -> Ends:
    return start, end, val if obj is None else hayson_reader.read_value(obj)
