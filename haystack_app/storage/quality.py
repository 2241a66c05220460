"""Data quality of histories: what a window of a point's samples looks like.

``findings`` defines every number, from samples one by one; stores that compute them in
SQL are held to it by tests. Times and durations are microseconds, times since 1970 UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..kinds.scalars import NA, Coord, Number
from ..kinds.series import Chunk
from .backend import StorageBackend

__all__ = ["GAP", "Findings", "QualityStore", "Window"]

GAP = 3
"""Usual intervals; a longer distance between two samples is a gap."""
_KINDS = {float: "Number", Number: "Number", bool: "Bool", str: "Str", Coord: "Coord"}


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of a point with ``start`` <= time < ``end``, and what to expect.

    ``end`` is at most the instant after ``now``. ``kind`` is that of the point, None
    if any is right. Numbers below ``low`` or above ``high``, both
    finite, are outside. ``flat``: a
    longer run of one number is reported; without it none is. ``last`` is the time of
    the newest sample of the whole history, None if it is unknown.
    """

    id: str
    start: int
    end: int
    now: int
    kind: str | None = None
    low: float | None = None
    high: float | None = None
    flat: int | None = None
    last: int | None = None

    @property
    def is_unsettled(self) -> bool:
        """Whether the history is asked for its newest sample, and for later ones."""
        return self.last is None or self.last > self.now


@dataclass(frozen=True, slots=True)
class Findings:
    """What a window has.

    - ``size``: samples in the window
    - ``newest``: time of the newest sample of the history up to now, if any
    - ``future``: samples of the history that are later than now
    - ``interval``: the usual one, the (lower) median of the distances between
      neighbours; None for fewer than two samples
    - ``gaps``: distances of more than ``GAP`` intervals; ``gap`` is the longest of
      them and ``gap_start`` the sample that it follows, the first of equals
    - ``flat``: from the first to the last sample of the longest run of one number, if
      that is longer than the window allows; ``flat_start`` is its first sample. Only
      neighbours make a run; any other value ends it.
    - ``outside``: finite numbers outside of the limits
    - ``mismatched``: values of another kind than the point's, NA excepted
    - ``na``: samples that are NA
    """

    size: int = 0
    newest: int | None = None
    future: int = 0
    interval: int | None = None
    gaps: int = 0
    gap: int | None = None
    gap_start: int | None = None
    flat: int | None = None
    flat_start: int | None = None
    outside: int = 0
    mismatched: int = 0
    na: int = 0


class QualityStore(StorageBackend):
    def his_quality(self, windows: Sequence[Window]) -> list[Findings]:
        """What each window has, in the same order; an unknown point has no samples."""
        return [self._findings(window) for window in windows]

    def _findings(self, window: Window) -> Findings:
        with self.snapshot():
            samples = _Samples(window)
            samples.add(self.his_chunks(window.id, window.start, window.end))
            newest, future = window.last, 0
            if window.is_unsettled:
                newest = self._newest(window, samples.previous)
                future = _count(self.his_chunks(window.id, window.now + 1))
            return samples.findings(newest, future)

    def _newest(self, window: Window, in_window: int | None) -> int | None:
        later = self.his_chunks(window.id, window.end, window.now + 1)
        if (found := _last(later)) is not None:
            return found
        if in_window is not None:
            return in_window
        return _last(self.his_chunks(window.id, None, window.start))


class _Samples:
    """Collects the samples of a window in time order."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.previous: int | None = None
        self.size = self.outside = self.mismatched = self.na = 0
        self.distances: Counter[int] = Counter()
        self.starts: dict[int, int] = {}
        self.run_value: float | None = None
        self.run_start = 0
        self.run: tuple[int, int] | None = None

    def add(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            others = chunk.others
            for index, time in enumerate(chunk.times):
                value = others[index] if index in others else chunk.vals[index]
                self._add(time, value)

    def _add(self, time: int, value: Any) -> None:
        if self.previous is not None:
            distance = time - self.previous
            self.distances[distance] += 1
            self.starts.setdefault(distance, self.previous)
        self.previous = time
        self.size += 1
        self._judge(value)
        number = value if type(value) is float else None
        if number is None or number != self.run_value:
            self.run_value, self.run_start = number, time
        elif self.run is None or time - self.run_start > self.run[0]:
            self.run = time - self.run_start, self.run_start

    def _judge(self, value: Any) -> None:
        window = self.window
        if value is NA:
            self.na += 1
        elif window.kind not in (None, _KINDS.get(type(value), "")):
            self.mismatched += 1
        if type(value) is float:
            is_low = window.low is not None and value < window.low
            is_high = window.high is not None and value > window.high
            self.outside += is_low or is_high

    def findings(self, newest: int | None, future: int) -> Findings:
        interval = _median(self.distances)
        gaps, gap, gap_start = 0, None, None
        if interval is not None:
            long = [one for one in self.distances if one > GAP * interval]
            gaps = sum(self.distances[one] for one in long)
            gap = max(long, default=None)
            gap_start = None if gap is None else self.starts[gap]
        allowed = self.window.flat
        is_flat = allowed is not None and self.run is not None and self.run[0] > allowed
        flat, flat_start = self.run if is_flat and self.run else (None, None)
        return Findings(
            self.size,
            newest,
            future,
            interval,
            gaps,
            gap,
            gap_start,
            flat,
            flat_start,
            self.outside,
            self.mismatched,
            self.na,
        )


def _median(distances: Counter[int]) -> int | None:
    """The lower one of an even number."""
    place, half = 0, distances.total() / 2
    for distance in sorted(distances):
        place += distances[distance]
        if place >= half:
            return distance
    return None


def _count(chunks: Iterator[Chunk]) -> int:
    return sum(len(chunk.times) for chunk in chunks)


def _last(chunks: Iterator[Chunk]) -> int | None:
    last = None
    for chunk in chunks:
        last = chunk.times[-1] if chunk.times else last
    return last
