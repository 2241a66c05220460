"""Decimation of a point's samples by the database, page by page of spans.

One statement finds the extremes of each span, another one their times. The gaps of a
span are looked for only if its count leaves room for a long one: most histories have
samples at multiples of an interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from statistics import median_low
from typing import Any, NamedTuple

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.decimation import FEWEST_POINTS, GAP
from ...folds.parts import Sample
from ...folds.rollup import samples_of
from ...kinds.series import LARGEST_CHUNK
from ...sql.arrays import text_array
from ...sql.decimation import POSTGRES, SQLITE
from ..backend import StorageBackend
from .fold_statements import sample_of, time_text
from .history import extents
from .sqlite_history import sqlite_text

__all__ = ["decimated"]

_SPANS = 4_096
"""Of a page."""


def decimated(
    store: StorageBackend,
    connection: BaseDatabaseWrapper,
    id: str,
    start: int,
    until: int | None,
    most: int,
    end: int,
) -> Iterator[Sample]:
    """The samples that ``folds.decimation`` chooses, from one snapshot."""
    chunks = store.his_chunks(id, start, until, min(most + 1, LARGEST_CHUNK))
    head = list(islice(samples_of(chunks), most + 1))
    if len(head) <= most:
        yield from head
        return
    usual = median_low(b - a for (a, _), (b, _) in pairwise(head[:most]))
    first = head[0][0]
    head.clear()
    if until is None:
        [(_, newest)] = extents(connection, [id], first)
        until = 1 + (first if newest is None else newest)
    count = most // FEWEST_POINTS
    length = max(1, -(-(end - first) // count))
    inner = range(first, first + count * length, length)
    edges = chain((edge for edge in inner if edge < until), [until])
    low = next(edges)
    while page := list(islice(edges, _SPANS)):
        spans = _Spans(connection, id, [low, *page], usual, first)
        yield from spans.chosen()
        low = page[-1]


class _Span(NamedTuple):
    """``is_aligned``: all times are multiples of the usual interval apart."""

    size: int
    numbers: int
    low: float | None
    high: float | None
    first: int
    last: int
    is_aligned: bool | None

    def may_have_gap(self, usual: int) -> bool:
        """Whether a gap is longer than it may be; each other interval is a usual one
        or longer."""
        shortest = usual if self.is_aligned else 1
        rest = max(0, self.size - 2) * shortest
        return self.last - self.first - rest > GAP * usual


@dataclass(slots=True)
class _Spans:
    """Neighbouring spans of a point; ``edges`` are in microseconds.

    ``origin`` is the time of the first sample of all.
    """

    connection: BaseDatabaseWrapper
    id: str
    edges: Sequence[int]
    usual: int
    origin: int

    def chosen(self) -> Iterator[Sample]:
        name, extremes = "regular", "regular_extremes"
        spans = self._spans(name)
        if any(span.size != span.numbers for span in spans.values()):
            name, extremes = "numbers", "extremes"
            spans = self._spans(name)
        times = {time for span in spans.values() for time in (span.first, span.last)}
        for _, *found in self._rows(extremes, **self._extremes(spans)):
            times.update(time for time in found if time is not None)
        if any(span.may_have_gap(self.usual) for span in spans.values()):
            for _, before, after in self._rows("gaps", gap=self._interval(GAP)):
                times |= {before, after}
        if times:
            for row in self._rows("chosen", times=self._times(sorted(times))):
                sample = sample_of(*row)
                assert sample is not None
                yield sample

    def _spans(self, name: str) -> dict[int, _Span]:
        origin = time_text(self.origin)
        rows = self._rows(name, usual=self._interval(1), origin=origin)
        return {bucket: _Span(*row) for bucket, *row in rows}

    @property
    def _is_postgres(self) -> bool:
        return self.connection.vendor == "postgresql"

    def _rows(self, name: str, **more: Any) -> list[Any]:
        statements = POSTGRES if self._is_postgres else SQLITE
        with self.connection.cursor() as cursor:
            cursor.execute(getattr(statements, name), {**self._edges(), **more})
            found: list[Any] = cursor.fetchall()
        return found

    def _edges(self) -> dict[str, Any]:
        if self._is_postgres:
            texts = [time_text(edge) for edge in self.edges]
            bounds = {"bounds": text_array(texts), "low": texts[0], "high": texts[-1]}
            return {"id": self.id, **bounds}
        spans = list(pairwise(map(sqlite_text, self.edges)))
        return {"id": self.id, "spans": orjson.dumps(spans).decode()}

    def _interval(self, times: int) -> Any:
        length = times * self.usual
        return f"{length} microseconds" if self._is_postgres else length

    def _times(self, times: Sequence[int]) -> Any:
        if self._is_postgres:
            return text_array(map(time_text, times))
        return orjson.dumps(list(map(sqlite_text, times))).decode()

    def _extremes(self, spans: dict[int, _Span]) -> dict[str, Any]:
        """The least and greatest number of each span, in the order of the spans."""
        found = [
            (span.low, span.high) if (span := spans.get(bucket)) else (None, None)
            for bucket in range(1, len(self.edges))
        ]
        if not self._is_postgres:
            texts = [
                [None if one is None else repr(one) for one in ends] for ends in found
            ]
            return {"found": orjson.dumps(texts).decode()}
        lows, highs = ([ends[at] for ends in found] for at in (0, 1))
        both = {one for one in chain(lows, highs) if one is not None}
        return {"lows": lows, "highs": highs, "extremes": sorted(both)}
