"""What a condition raises, minute by minute and by its definition, for comparison.

It looks at everything, for each minute again. All times are whole minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haystack_app.alarms.conditions import Condition
from haystack_app.alarms.samples import Samples
from haystack_app.alarms.segments import Facts

__all__ = ["MINUTE", "alarms"]

MINUTE = 60_000_000
_TICKS = 12
Alarm = tuple[int | None, int | None]


def alarms(
    condition: Condition, facts: Facts, first: int, last: int, *, is_raised: bool
) -> list[Alarm]:
    """Starts and ends from one minute to another; None for what is outside."""
    found: list[Alarm] = []
    start: int | None = None
    raised = is_raised
    begun: int | None = None
    for minute in range(first - condition.delay, last + 1, MINUTE):
        raises, keeps = _verdict(condition, facts, minute)
        if not raises:
            begun = None
        elif begun is None:
            begun = minute
        if minute < first:
            continue
        if raised and keeps is False:
            found.append((start, minute))
            raised, start = False, None
        elif not raised and begun is not None and minute - begun >= condition.delay:
            raised, start = True, minute
    if raised:
        found.append((start, None))
    return found


def _verdict(
    condition: Condition, facts: Facts, minute: int
) -> tuple[bool | None, bool | None]:
    for pause in facts.pauses:
        if pause.start <= minute and (pause.end is None or minute < pause.end):
            return False, False
    if condition.measure == "age":
        return _age(condition, facts, minute)
    value_at = _newest(facts.own, minute)
    if value_at is None:
        return None, None
    at = _mark(condition, facts, value_at, minute)
    value = _measure(condition, facts.own, at)
    limit = condition.limit
    if facts.reference is not None:
        held = [v for t, v in _pairs(facts.reference) if t <= at]
        limit = held[-1] if held else None
    return _compared(condition, value, limit)


def _pairs(samples: Samples) -> Sequence[tuple[int, Any]]:
    return list(zip(samples.times, samples.values, strict=True))


def _newest(samples: Samples, minute: int) -> int | None:
    """The time of the sample that counts at a minute."""
    times = [t for t in samples.times if t <= minute]
    if not times or (samples.hold is not None and minute - times[-1] >= samples.hold):
        return None
    return times[-1]


def _mark(condition: Condition, facts: Facts, sample: int, minute: int) -> int:
    """The minute at which was measured last."""
    marks = [sample]
    if facts.own.hold is None and condition.window:
        step = condition.window // _TICKS
        marks += [sample + step * n for n in range(1, _TICKS + 1)]
    if facts.reference is not None:
        marks += facts.reference.times
    return max(mark for mark in marks if sample <= mark <= minute)


def _measure(condition: Condition, own: Samples, at: int) -> Any:
    values = dict(_pairs(own))
    current = values[max(t for t in own.times if t <= at)]
    if condition.measure == "last":
        return current
    window = range(at - condition.window, at, MINUTE)
    held = [values[t] for m in window if (t := _newest(own, m)) is not None]
    if condition.measure == "share":
        states = [v for v in held if isinstance(v, bool)] or [
            v for v in [current] if isinstance(v, bool)
        ]
        return 100.0 * sum(states) / len(states) if states else None
    if own.hold is not None:
        numbers = [
            v
            for t, v in values.items()
            if at - condition.window < t <= at and isinstance(v, float)
        ]
    else:
        numbers = [v for v in held if isinstance(v, float)]
        if condition.measure != "avg" or not numbers:
            numbers += [current] if isinstance(current, float) else []
    if not numbers:
        return None
    if condition.measure == "avg":
        return sum(numbers) / len(numbers)
    return min(numbers) if condition.measure == "min" else max(numbers)


def _age(
    condition: Condition, facts: Facts, minute: int
) -> tuple[bool | None, bool | None]:
    if not facts.own.times or facts.own.times[0] > minute:
        return None, None
    first = facts.own.times[0]
    events = [(time, "sample") for time in facts.own.times]
    for stop in facts.stops:
        events += [(stop.start, "before"), (stop.end or 0, "after")]
    past = [one for one in events if first <= one[0] <= minute]
    # of those at the same time a sample counts
    time, kind = max(past, key=lambda one: (one[0], one[1] == "sample"))
    if kind == "before":
        return None, None
    late = time + condition.limit
    if minute >= late:
        stopped = any(s.start <= late < (s.end or 0) for s in facts.stops)
        return (None, None) if stopped else (True, True)
    # after a stop an alarm stays, for nothing is known
    return False, False if kind == "sample" else None


def _compared(
    condition: Condition, value: Any, limit: Any
) -> tuple[bool | None, bool | None]:
    if value is None or limit is None or type(value) is not type(limit):
        return None, None
    match condition.op:
        case "==":
            return value == limit, value == limit
        case "!=":
            return value != limit, value != limit
    if not isinstance(value, float):
        return None, None
    room, back = condition.tolerance, condition.hysteresis
    match condition.op:
        case ">":
            return value > limit + room, value > limit + room - back
        case "<":
            return value < limit - room, value < limit - room + back
    off = abs(value - limit)
    return off > room, off > room - back
