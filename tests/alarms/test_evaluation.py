"""The evaluator is the same as its definition, and as itself in steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.alarms.conditions import Condition
from haystack_app.alarms.evaluation import evaluate
from haystack_app.alarms.samples import Samples
from haystack_app.alarms.segments import Facts, Pause, lookback
from tests.alarms.oracle import MINUTE, alarms

FIRST, LAST = 60, 180
"""Minutes that are looked at."""


def minutes(low: int, high: int) -> Any:
    return st.integers(low, high).map(lambda n: n * MINUTE)


@st.composite
def conditions(draw: Any) -> Condition:
    measure = draw(st.sampled_from(["last", "avg", "min", "max", "share", "age"]))
    delay = draw(st.sampled_from([0, 0, 1, 7, 20])) * MINUTE
    if measure == "age":
        return Condition("age", ">", draw(minutes(1, 30)), delay=delay)
    window = 0 if measure == "last" else draw(st.sampled_from([12, 24])) * MINUTE
    if measure == "share":
        op = draw(st.sampled_from([">", "<"]))
        return Condition("share", op, 50.0, 0, 10, window, delay)
    op = draw(st.sampled_from([">", "<", "==", "!=", "outside"]))
    if op in ("==", "!="):
        limit = draw(st.sampled_from([5.0, True, "on"]))
        return Condition(measure, op, limit, window=window, delay=delay)
    room, back = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    return Condition(measure, op, 5.0, float(room), float(back), window, delay)


@st.composite
def samples(draw: Any, values: Any, most: int = 25) -> Samples:
    found = draw(st.dictionaries(minutes(0, LAST), values, max_size=most))
    hold = draw(st.sampled_from([None, None, 3 * MINUTE, 15 * MINUTE]))
    return Samples.of(sorted(found.items()), hold)


@st.composite
def cases(draw: Any) -> tuple[Condition, Facts]:
    condition = draw(conditions())
    if condition.measure == "share" or isinstance(condition.limit, bool):
        values = st.booleans() | st.none()
    elif isinstance(condition.limit, str):
        values = st.sampled_from(["on", "off"])
    else:
        values = st.integers(0, 10).map(float) | st.just(None) | st.just(float("nan"))
    own = draw(samples(values))
    reference = None
    if condition.measure not in ("share", "age") and draw(st.booleans()):
        reference = draw(samples(values, 6))
        reference.hold = None
    pauses = []
    for start in draw(st.lists(minutes(0, LAST), max_size=2)):
        length = draw(st.none() | minutes(1, 40))
        pauses.append(Pause(start, None if length is None else start + length))
    stops = []
    begin = 0
    for _ in range(draw(st.integers(0, 2))):
        start = begin + draw(st.integers(0, LAST))
        begin = start + draw(st.integers(1, 40))
        stops.append(Pause(start * MINUTE, begin * MINUTE))
        begin += 1
    return condition, Facts(own, reference, pauses, stops)


def computed(
    condition: Condition, facts: Facts, after: int, now: int, raised: bool
) -> list[tuple[int | None, int | None]]:
    found = evaluate(condition, facts, after, now, is_raised=raised)
    return [(one.start, one.end) for one in found.intervals]


@settings(max_examples=600, deadline=None)
@given(cases(), st.booleans())
def test_it_is_what_the_definition_says(
    case: tuple[Condition, Facts], raised: bool
) -> None:
    first, last = FIRST * MINUTE, LAST * MINUTE
    expected = alarms(*case, first, last, is_raised=raised)
    assert computed(*case, first - 1, last, raised) == expected


@settings(max_examples=400, deadline=None)
@given(cases(), st.lists(st.integers(FIRST, LAST), max_size=5), st.booleans())
def test_steps_are_the_whole(
    case: tuple[Condition, Facts], stops: list[int], raised: bool
) -> None:
    """With the samples since the lookback alone, and the state at the step's start."""
    condition, facts = case
    first, last = FIRST * MINUTE - 1, LAST * MINUTE
    whole = computed(condition, facts, first, last, raised)
    found: list[list[int | None]] = [[None, None]] if raised else []
    after = first
    for stop in [*sorted(n * MINUTE for n in stops), last]:
        is_raised = bool(found) and found[-1][1] is None
        start = after - lookback(condition, facts.own.hold)
        part = Facts(
            since(facts.own, start),
            facts.reference and since(facts.reference, start),
            facts.pauses,
            facts.stops,
        )
        for begin, end in computed(condition, part, after, stop, is_raised):
            if begin is None:
                found[-1][1] = end
            else:
                found.append([begin, end])
        after = max(after, stop)
    assert [tuple(one) for one in found] == whole


def since(found: Samples, start: int) -> Samples:
    """From a time on, and the newest one before it, as a store gives them."""
    first = max(sum(time < start for time in found.times) - 1, 0)
    return Samples(found.times[first:], found.values[first:], found.hold)


@pytest.mark.parametrize("delay, due", [(0, None), (10, 10)])
def test_due(delay: int, due: int | None) -> None:
    """It says when something happens without another sample."""
    condition = Condition("last", ">", 5.0, delay=delay * MINUTE)
    own = Samples([0], [6.0])
    found = evaluate(condition, Facts(own), -1, 5 * MINUTE, is_raised=False)
    assert found.due == (None if due is None else due * MINUTE)
    assert len(found.intervals) == (1 if due is None else 0)


def test_an_old_value_does_not_raise() -> None:
    """The delay does not run out while nothing is known."""
    condition = Condition("last", ">", 5.0, delay=30 * MINUTE)
    own = Samples([0, 120 * MINUTE], [6.0, 6.0], hold=15 * MINUTE)
    found = evaluate(condition, Facts(own), -1, 130 * MINUTE, is_raised=False)
    assert (found.intervals, found.due) == ([], None)
