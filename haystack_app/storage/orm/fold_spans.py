"""The buckets of a roll-up, or pieces of them, as statements read them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ...folds.buckets import buckets
from ...folds.rollup import Rollup
from .stored_parts import StoredParts

__all__ = ["Span", "pages_of", "spans_of"]


class Span(NamedTuple):
    """A bucket that begins at ``start``, or a piece of it: from ``low`` to ``high``.

    ``is_whole``: it consists of parts that may be stored.
    """

    start: int
    low: int
    high: int
    is_whole: bool


def spans_of(
    rollup: Rollup, begin: int, stop: int, stored: StoredParts
) -> Iterator[Span]:
    """The buckets as far as they are in the range.

    Those longer than stored parts are in pieces, so that one changed part, or an end
    of the range, makes samples of its own only be read.
    """
    edges = stored.edges(rollup)
    for start, end in buckets(rollup.interval, rollup.tz, begin):
        low, high = max(start, rollup.start), min(end, rollup.end)
        if low >= stop:
            return
        if edges is None:
            yield Span(start, low, high, (low, high) == (start, end))
            continue
        cuts = [low, *edges.between(low, high), high]
        for first, last in pairwise(cuts):
            yield Span(start, first, last, edges.has(first) and edges.has(last))


def pages_of(spans: Iterator[Span], size: int) -> Iterator[list[Span]]:
    """About ``size`` spans each, and no bucket in two pages."""
    page: list[Span] = []
    for span in spans:
        if len(page) >= size and span.start != page[-1].start:
            yield page
            page = []
        page.append(span)
    if page:
        yield page
