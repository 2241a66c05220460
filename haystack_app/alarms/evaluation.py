"""From when to when alarms are raised, by one rule for one point.

The plain evaluator gives ``evaluate`` the whole history. The incremental one gives it
what is needed from a time on, and whether an alarm was raised at that time: up to
there, nothing can have changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .conditions import AGE, Condition
from .segments import Facts, Segment, segments

__all__ = ["Interval", "Outcome", "evaluate"]

_SECOND = 1_000_000


@dataclass(slots=True)
class Interval:
    """An alarm; times are in microseconds since 1970.

    ``start`` is None if it was raised before. ``end`` is None while it is raised.
    """

    start: int | None
    end: int | None = None
    value: Any = None
    end_value: Any = None


@dataclass(slots=True)
class Outcome:
    """``due``: the time at which, without other samples, something may happen."""

    intervals: list[Interval] = field(default_factory=list)
    due: int | None = None


def evaluate(
    condition: Condition, facts: Facts, after: int, now: int, *, is_raised: bool
) -> Outcome:
    """The alarms later than a time, up to ``now``.

    ``is_raised`` says whether there is an alarm at the time ``after``.
    """
    run = _Run(condition, after, now)
    if is_raised:
        run.intervals.append(Interval(None))
    for segment in _from(after - condition.delay, segments(condition, facts, now)):
        if segment.start > now:
            run.expect(segment.start)
            break
        run.take(segment)
    return Outcome(run.intervals, run.due)


def _from(start: int, found: Iterator[Segment]) -> Iterator[Segment]:
    for segment in found:
        if segment.end is None or segment.end > start:
            yield segment._replace(start=max(segment.start, start))


class _Run:
    """``begun`` is since when the condition holds, ``known`` until when it was."""

    def __init__(self, condition: Condition, after: int, now: int) -> None:
        self.condition, self.after, self.now = condition, after, now
        self.intervals: list[Interval] = []
        self.begun: int | None = None
        self.known: int | None = None
        self.due: int | None = None

    def expect(self, at: int) -> None:
        self.due = at if self.due is None else min(at, self.due)

    def take(self, segment: Segment) -> None:
        if self.known != segment.start:
            self.begun = None
        self.known = segment.end
        if not segment.verdict.raises:
            self.begun = None
        elif self.begun is None:
            self.begun = segment.start
        if segment.end is not None and segment.end <= self.after + 1:
            return
        if self._is_raised:
            if segment.verdict.keeps is False:
                self._end(max(segment.start, self.after + 1), segment)
        elif self.begun is not None:
            self._begin(segment, self.begun)

    @property
    def _is_raised(self) -> bool:
        return bool(self.intervals) and self.intervals[-1].end is None

    def _begin(self, segment: Segment, begun: int) -> None:
        at = max(begun + self.condition.delay, self.after + 1)
        if segment.end is not None and at >= segment.end:
            return
        if at > self.now:
            self.expect(at)
            return
        self.intervals.append(Interval(at, value=self._value(segment, at)))

    def _end(self, at: int, segment: Segment) -> None:
        self.intervals[-1].end = at
        if self.condition.measure != AGE:
            self.intervals[-1].end_value = segment.value

    def _value(self, segment: Segment, at: int) -> Any:
        """An age is one in seconds."""
        if self.condition.measure == AGE:
            return (at - segment.value) / _SECOND
        return segment.value
