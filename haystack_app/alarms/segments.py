"""When a condition holds: spans of time with the same verdict.

The verdict changes with samples, of the point or of the one it is compared with.
Between them it changes only where values hold without a limit and are measured over a
window: there the window is measured again after each twelfth of it. What is between
segments is not known, such as after a value that is too old.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from .conditions import AGE, UNKNOWN, WINDOWED, Condition, Verdict
from .samples import Samples

__all__ = ["Facts", "Pause", "Segment", "lookback", "segments"]

_TICKS = 12
"""Of a window."""
_BLOCKED = Verdict(False, False)


class Pause(NamedTuple):
    """A span of time; ``end`` is None while it lasts."""

    start: int
    end: int | None


class Segment(NamedTuple):
    """``end`` is None if nothing is known to end it. ``value`` is what was measured; of
    ``AGE`` the time that the age counts from."""

    start: int
    end: int | None
    verdict: Verdict
    value: Any = None


@dataclass(slots=True)
class Facts:
    """What a rule looks at for one point.

    ``reference`` has the samples of the point that it is compared with. Nothing is
    raised in ``pauses``. In ``stops`` there was no server: ages count from their ends.
    """

    own: Samples
    reference: Samples | None = None
    pauses: Sequence[Pause] = field(default_factory=list)
    stops: Sequence[Pause] = field(default_factory=list)


def lookback(condition: Condition, hold: int | None) -> int:
    """How far before a time samples matter, besides the newest one before that."""
    age = condition.limit if condition.measure == AGE else 0
    return int(condition.delay + 2 * condition.window + (hold or 0) + age)


def segments(condition: Condition, facts: Facts, now: int) -> Iterator[Segment]:
    """In time order; the first that begins after ``now`` ends them, with its time."""
    if condition.measure == AGE:
        found = _ages(condition, facts)
    else:
        found = _measured(condition, facts, now)
    for segment in _paused(found, facts.pauses):
        yield segment
        if segment.start > now:
            return


def _ages(condition: Condition, facts: Facts) -> Iterator[Segment]:
    times = facts.own.times
    if not times:
        return
    marks = _age_marks(times, facts.stops)
    for place, (start, verdict) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else None
        late = start + condition.limit
        if verdict is UNKNOWN or (end is not None and end <= late):
            yield Segment(start, end, verdict)
            continue
        yield Segment(start, late, verdict)
        if not any(one.start <= late < (one.end or late) for one in facts.stops):
            newest = times[facts.own.place(start)]
            yield Segment(late, end, Verdict(True, True), newest)


def _age_marks(
    times: Sequence[int], stops: Sequence[Pause]
) -> list[tuple[int, Verdict]]:
    """From when on an age counts: samples, which clear an alarm, and ends of stops,
    which do not. From the start of a stop on nothing is known."""
    after = [one for one in stops if one.end is not None and one.end > times[0]]
    marks = [(one.end or 0, Verdict(False, None)) for one in after]
    marks += [(one.start, UNKNOWN) for one in after if one.start > times[0]]
    marks += [(time, _BLOCKED) for time in times]
    return sorted(marks, key=itemgetter(0))


def _measured(condition: Condition, facts: Facts, now: int) -> Iterator[Segment]:
    own = facts.own
    for place in range(len(own.times)):
        end = own.end(place)
        marks = _marks(condition, facts, place, end)
        for number, start in enumerate(marks):
            last = number + 1 == len(marks)
            until = end if last else marks[number + 1]
            if start > now:
                yield Segment(start, until, UNKNOWN)
                return
            value = own.measure(condition.measure, start, condition.window)
            limit = condition.limit
            if facts.reference is not None:
                limit = facts.reference.value(start)
            yield Segment(start, until, condition.test(value, limit), value)


def _marks(
    condition: Condition, facts: Facts, place: int, end: int | None
) -> list[int]:
    """When the verdict may change while a sample is the newest one."""
    start = facts.own.times[place]
    marks = {start}
    if facts.own.hold is None and condition.measure in WINDOWED:
        window = condition.window
        marks.update(start + window * n // _TICKS for n in range(1, _TICKS + 1))
    if facts.reference is not None:
        times = facts.reference.times
        after = facts.reference.place(start) + 1
        before = len(times) if end is None else facts.reference.place(end) + 1
        marks.update(times[after:before])
    return sorted(one for one in marks if end is None or one < end)


def _paused(found: Iterable[Segment], pauses: Sequence[Pause]) -> Iterable[Segment]:
    """The segments outside of pauses, and the pauses as segments."""
    if not pauses:
        return found
    united = _united(pauses)
    blocks = [Segment(start, end, _BLOCKED) for start, end in united]
    cut = (part for segment in found for part in _outside(segment, united))
    return heapq.merge(blocks, cut, key=attrgetter("start"))


def _united(pauses: Sequence[Pause]) -> list[Pause]:
    united: list[Pause] = []
    for pause in sorted(pauses, key=attrgetter("start")):
        last = united[-1] if united else None
        if last is None or (last.end is not None and last.end < pause.start):
            united.append(pause)
        elif last.end is not None:
            end = None if pause.end is None else max(last.end, pause.end)
            united[-1] = Pause(last.start, end)
    return united


def _outside(segment: Segment, pauses: Sequence[Pause]) -> Iterator[Segment]:
    start = segment.start
    for pause in pauses:
        if pause.end is not None and pause.end <= start:
            continue
        if segment.end is not None and pause.start >= segment.end:
            break
        if pause.start > start:
            yield segment._replace(start=start, end=pause.start)
        if pause.end is None:
            return
        start = pause.end
    if segment.end is None or start < segment.end:
        yield segment._replace(start=start)
