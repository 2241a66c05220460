"""Facts of histories, such as ``hisSize``, and samples that plain SQL may change.

``drop_chunks``, DELETE and INSERT by SQL leave them out of date. The ends of a history
are four look-ups in its index; its size is only known by counting. So the worker
compares the ends, a few points at a time, and a check counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connections
from django.db.models import Count, F, OuterRef, Subquery

from ...kinds.datetimes import DateTime
from ...kinds.scalars import Number
from ...kinds.transient import HIS_FACTS
from ...models import Entity, HisSample
from ...models.lookups import OneOf
from ...wire import hayson_reader, hayson_writer
from ...wire.errors import ParseError
from .history import snapshot

__all__ = ["POINTS", "Facts", "compared", "suspects", "window"]

POINTS = 100
"""Entities whose samples one statement counts."""


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


def suspects(using: str, ids: Sequence[str]) -> list[str]:
    """Those of the entities whose ends of the history are not those of the samples."""
    return [id for id, cur, ends in _ends(using, ids) if ends.difference(Facts.of(cur))]


def compared(using: str) -> Iterator[tuple[str, str]]:
    """Id and difference of each history whose facts are wrong; counts all samples.

    Each batch of entities and samples is read from one snapshot, so that writers
    cause no difference.
    """
    after = ""
    while True:
        with snapshot(connections[using]):
            ids = list(
                Entity.rows.using(using)
                .filter(id__gt=after)
                .order_by("id")
                .values_list("id", flat=True)[:POINTS]
            )
            last = ids[-1] if len(ids) == POINTS else None
            sizes = _sizes(using, after, last)
            ends = list(_ends(using, ids))
        for id, cur, found in ends:
            counted = Facts(sizes.pop(id, 0), found.start, found.end, found.last)
            if text := counted.difference(Facts.of(cur)):
                yield id, text
        for id in sorted(sizes):
            yield id, "samples exist, but the entity does not"
        if last is None:
            return
        after = last


def _sizes(using: str, after: str, last: str | None) -> dict[str, int]:
    """Numbers of samples by id, after an id and up to another one."""
    samples = HisSample.objects.using(using).order_by().filter(point_id__gt=after)
    if last is not None:
        samples = samples.filter(point_id__lte=last)
    return dict(samples.values_list("point_id").annotate(Count("ts")))


def _ends(using: str, ids: Sequence[str]) -> Iterator[tuple[str, str, Facts]]:
    """Id, transient tags, and the ends of the history, by one statement."""
    own = HisSample.objects.using(using).filter(point_id=OuterRef("id"))
    first, last = own.order_by("ts"), own.order_by("-ts")
    rows = Entity.rows.using(using).filter(OneOf(F("id"), ids)).order_by("id")
    for id, cur, start, end, val, obj in rows.values_list(
        *("id", "cur"),
        Subquery(first.values("ts")[:1]),
        Subquery(last.values("ts")[:1]),
        Subquery(last.values("val")[:1]),
        Subquery(last.values("obj")[:1]),
    ):
        value = None
        if end is not None:
            value = _text(Number(val) if obj is None else hayson_reader.read_value(obj))
        yield id, cur, Facts(None, start, end, value)
