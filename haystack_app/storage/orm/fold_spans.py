"""The buckets of a roll-up, or pieces of them, as statements read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

from ...folds.buckets import Interval, buckets
from ...folds.rollup import Rollup
from .stored_parts import PartEdges, StoredParts

__all__ = ["Span", "Spans", "pages_of"]

_MOST_REMEMBERED = 512
"""Spans of one range; the days of a year are fewer."""


class Span(NamedTuple):
    """A bucket that begins at ``start``, or a piece of it: from ``low`` to ``high``.

    ``is_whole``: it consists of parts that may be stored.
    """

    start: int
    low: int
    high: int
    is_whole: bool


class Spans(tuple[Span, ...]):
    """Those of a page, and what follows from them. Readers share it."""

    @cached_property
    def edges(self) -> list[int]:
        return [span.low for span in self] + [self[-1].high]

    @cached_property
    def buckets(self) -> list[list[int]]:
        """The places of the spans of each bucket."""
        groups = groupby(range(len(self)), lambda at: self[at].start)
        return [list(places) for _, places in groups]

    @cached_property
    def starts(self) -> list[int]:
        return [self[places[0]].start for places in self.buckets]

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """From when to when each bucket is, as far as it is in the range."""
        return [(self[places[0]].low, self[places[-1]].high) for places in self.buckets]

    @cached_property
    def are_whole(self) -> bool:
        return all(span.is_whole for span in self)


def pages_of(
    rollup: Rollup, begin: int, stop: int, stored: StoredParts, size: int
) -> Iterable[Spans]:
    """The buckets as far as they are in the range, about ``size`` spans each.

    No bucket is in two pages. Those of a few buckets that are not cut are remembered:
    charts ask for the same range again and again.
    """
    edges, interval = stored.edges(rollup), rollup.interval
    range_of = rollup.start, rollup.end
    stop = min(stop, rollup.end)
    if edges is None and (stop - begin) // interval.size < min(size, _MOST_REMEMBERED):
        return _remembered(interval, rollup.tz, range_of, begin, stop, size)
    return _pages(_spans(interval, rollup.tz, range_of, begin, stop, edges), size)


@lru_cache(maxsize=64)
def _remembered(
    interval: Interval,
    tz: str,
    range_of: tuple[int, int],
    begin: int,
    stop: int,
    size: int,
) -> list[Spans]:
    return list(_pages(_spans(interval, tz, range_of, begin, stop, None), size))


def _spans(
    interval: Interval,
    tz: str,
    range_of: tuple[int, int],
    begin: int,
    stop: int,
    edges: PartEdges | None,
) -> Iterator[Span]:
    """Buckets longer than stored parts are in pieces, so that one changed part, or an
    end of the range, makes samples of its own only be read.
    """
    earliest, latest = range_of
    for start, end in buckets(interval, tz, begin):
        low, high = max(start, earliest), min(end, latest)
        if low >= stop:
            return
        if edges is None:
            yield Span(start, low, high, (low, high) == (start, end))
            continue
        cuts = [low, *edges.between(low, high), high]
        for first, last in pairwise(cuts):
            yield Span(start, first, last, edges.has(first) and edges.has(last))


def _pages(spans: Iterable[Span], size: int) -> Iterator[Spans]:
    page: list[Span] = []
    for span in spans:
        if len(page) >= size and span.start != page[-1].start:
            yield Spans(page)
            page = []
        page.append(span)
    if page:
        yield Spans(page)
