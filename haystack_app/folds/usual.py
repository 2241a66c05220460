"""Time weighed and counters read of usual parts: those without huge numbers.

The results are those of ``composition``, from tuples as a database returns them: a year
of many points is tens of thousands of parts, and an object for each would cost more
than all the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..kinds.scalars import NA
from .accumulators import number_of
from .composition import Counting, Weighing, share_of_line
from .exact import ExactSum
from .parts import HUGE, Sample

__all__ = [
    "Bounds",
    "Ends",
    "Readings",
    "Weights",
    "counted",
    "ended",
    "is_usual",
    "weighed",
]

Bounds = tuple[int, int]
"""From when to when a bucket is."""


class Weights(NamedTuple):
    """A part with the sample at its start.

    Numbers of samples, of NA, and of NaN; times and numbers of the first and last ones
    that are not NaN; the area and the known time between these. ``place`` is that of
    the point. Odd parts must be composed by ``composition``.
    """

    place: int
    start: int
    samples: int
    na: int
    nan: int
    first: int | None
    first_number: float | None
    last: int | None
    last_number: float | None
    area: float
    known: float
    is_odd: bool


class Readings(NamedTuple):
    """A part without the sample at its start, which is ``head`` if there is one."""

    place: int
    start: int
    head: float | None
    samples: int
    na: int
    nan: int
    begin: float | None
    end: float | None
    drops: str | None
    is_odd: bool


class Ends(NamedTuple):
    """The same, and the numbers of the first and last samples that are not NaN."""

    place: int
    start: int
    head: float | None
    samples: int
    first: float | None
    last: float | None
    is_odd: bool


def is_usual(number: float | None) -> bool:
    return number is None or abs(number) <= HUGE


def _instead(count: int, na: int, nan: int) -> Any:
    if na:
        return NA
    return math.nan if count and count == nan else None


def weighed(
    weighing: Weighing,
    parts: Sequence[Weights],
    buckets: Sequence[Bounds],
    following: Sample | None,
) -> Iterator[tuple[float, float, Any]]:
    """Of each bucket the area, the known time, and what is there instead of these.

    ``weighing`` is the state before the buckets, and then that after them. Lines need
    ``following``, the first sample after the buckets that is not NaN.
    """
    is_linear, known = weighing.is_linear, weighing.known
    at, since, value = weighing.at, *_numbered(weighing.value)
    toward = _followers(parts, following) if is_linear else ()
    place = 0
    for _, high in buckets:
        area = length = 0.0
        count = na = nan = 0
        while place < len(parts) and parts[place][1] < high:
            part = parts[place]
            place += 1
            _, _, more, of_na, of_nan, first, number, last, end, own, time, _ = part
            count, na, nan = count + more, na + of_na, nan + of_nan
            if first is None or last is None:
                continue
            if value is not None and first > at:
                if not is_linear:
                    area += value * (first - at)
                    length += first - at
                elif number is not None:
                    area += _line(since, value, first, number, at, first)
                    length += first - at
            area, length = area + own, length + time
            at = since = last
            value = end
        until = min(high, known)
        if until > at:
            if value is not None:
                after, number = toward[place] if is_linear else (until, value)
                if not is_linear:
                    area += value * (until - at)
                    length += until - at
                elif number is not None:
                    area += _line(since, value, after, number, at, until)
                    length += until - at
            at = until
        if na or not length:
            yield 0.0, 0.0, _instead(count, na, nan)
        else:
            yield area, length, None
    weighing.at, weighing.value = at, (since, value)


def _numbered(sample: Sample | None) -> tuple[int, float | None]:
    return (0, None) if sample is None else (sample[0], number_of(sample[1]))


def _followers(
    parts: Sequence[Weights], following: Sample | None
) -> list[tuple[int, float | None]]:
    """For each part, and after all, the first sample from it on that is not NaN."""
    found = [_numbered(following)]
    for part in reversed(parts):
        first = part[5]
        found.append(found[-1] if first is None else (first, part[6]))
    return found[::-1]


def _line(
    start: int, value: float, end: int, number: float, since: int, until: int
) -> float:
    """The area between two instants of a line."""
    share = share_of_line(start, end, since, until)
    return (until - since) * (value * (1 - share) + number * share)


def counted(
    counting: Counting, parts: Sequence[Readings], buckets: Sequence[Bounds]
) -> Iterator[Any]:
    """The fold delta of each bucket; ``counting`` is the state before and after them.

    A bucket has the sample at its end, which is the head of the next part.
    """
    before, place = counting.before, 0
    for low, high in buckets:
        origin, lost = before, 0
        count = na = nan = 0
        while place < len(parts) and parts[place][1] <= high:
            _, start, head, more, of_na, of_nan, begin, end, drops, _ = parts[place]
            if head is not None and start > low:
                count += 1
                if before is None:
                    origin = head
                elif head < before:
                    lost += _units(before)
                before = head
            if start == high:
                break  # what is after its head is in the next bucket
            place += 1
            count, na, nan = count + more, na + of_na, nan + of_nan
            if begin is None:
                continue
            if before is None:
                origin = begin
            elif begin < before:
                lost += _units(before)
            lost += int(drops or 0)
            before = end
        instead = _instead(count, na, nan)
        yield (
            instead if instead is not None or not count else _rise(origin, before, lost)
        )
    counting.before = before


def ended(
    parts: Sequence[Ends], buckets: Sequence[Bounds], side: int
) -> Iterator[tuple[int, float, float]]:
    """Of each bucket how many samples it has, and the first and the last one.

    With ``side`` 1 a bucket includes its end and not its start.
    """
    place = 0
    for low, high in buckets:
        count, first, last = 0, math.nan, math.nan
        while place < len(parts) and parts[place][1] <= high:
            _, start, head, more, begin, end, _ = parts[place]
            numbers: tuple[float | None, ...] = ()
            if head is not None and (start > low if side else start < high):
                count += 1
                numbers = head, head
            if start < high:
                place += 1
                count += more
                numbers = (*numbers, begin, end)
            for number in numbers:
                if number is not None:
                    first, last = number if first != first else first, number
            if start == high:
                break
        yield count, first, last


def _units(value: float) -> Any:
    total = ExactSum()
    total.add(value)
    return total.units


def _rise(origin: float | None, newest: float | None, lost: int) -> float:
    """Rounded once, as a difference of floats is; readings before drops are lost."""
    if origin is None or newest is None:
        return 0.0
    if lost:
        return ExactSum.counted(origin, newest, lost).divided()
    return newest - origin + 0.0
