"""Decimation of a point's samples by the database, page by page of spans.

One statement finds the extremes of each span, another one their times. The gaps of a
span are looked for only if its count leaves room for a long one: most histories have
samples at multiples of an interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from operator import itemgetter
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
        [(_, newest)] = extents(connection, [id], None)
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
        if is_odd := any(span.size != span.numbers for span in spans.values()):
            name, extremes = "numbers", "extremes"
            spans = self._spans(name)
        found: dict[int, Any] = {}
        rows = self._rows(extremes, **self._extremes(spans)) if spans else ()
        for bucket, low, high, first, last in rows:
            span = spans[bucket]
            found |= {span.first: first, span.last: last}
            if low is not None and high is not None:
                found |= {low: span.low, high: span.high}
        times = {time for span in spans.values() for time in (span.first, span.last)}
        others = times | found.keys() if is_odd else set()
        if any(span.may_have_gap(self.usual) for span in spans.values()):
            for _, before, after in self._rows("gaps", gap=self._interval(GAP)):
                others |= {before, after} - (set() if is_odd else found.keys())
        if others:
            for row in self._rows("chosen", times=self._times(sorted(others))):
                sample = sample_of(*row)
                assert sample is not None
                found[sample[0]] = sample[1]
        yield from sorted(found.items(), key=itemgetter(0))

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
        """What is sought in each span, in the order of the spans."""
        if not self._is_postgres:
            return {}
        nothing = _Span(0, 0, None, None, self.edges[0], self.edges[0], None)
        all_spans = [spans.get(at, nothing) for at in range(1, len(self.edges))]
        lows, highs = [one.low for one in all_spans], [one.high for one in all_spans]
        firsts, lasts = (
            [one.first for one in all_spans],
            [one.last for one in all_spans],
        )
        return {
            "lows": lows,
            "highs": highs,
            "firsts": self._times(firsts),
            "lasts": self._times(lasts),
            "extremes": sorted({one for one in (*lows, *highs) if one is not None}),
            "ends": self._times(sorted({*firsts, *lasts})),
        }
