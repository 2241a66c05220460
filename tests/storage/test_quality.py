"""The quality of histories: the reference, and SQL against it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.kinds import NA, Coord, Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.quality import Findings, QualityStore, Window
from haystack_app.storage.samples import Batch
from tests.storage.building import entity, point

START = microseconds_of(dt.datetime(2024, 3, 1, tzinfo=dt.UTC))
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
NOW = START + 30 * DAY


def window(id: str = "p", **changes: Any) -> Window:
    return replace(Window(id, START, NOW + 1, NOW, "Number", flat=DAY), **changes)


def filled(store: StorageAdapter, samples: dict[int, Any], id: str = "p") -> None:
    """Samples by minutes since the start, not checked against the point."""
    store.load_entities([point(id)])
    times = {START + minute * MINUTE: val for minute, val in sorted(samples.items())}
    store.his_store({id: Batch(times, [])})


def found(store: StorageAdapter, samples: dict[int, Any], **changes: Any) -> Findings:
    filled(store, samples)
    [findings] = store.his_quality([window(**changes)])
    return findings


# -- one finding each ----------------------------------------------------------


def test_an_empty_history(store: StorageAdapter) -> None:
    assert found(store, {}) == Findings()
    assert store.his_quality([window("unknown")]) == [Findings()]
    assert store.his_quality([]) == []


def test_a_single_sample(store: StorageAdapter) -> None:
    assert found(store, {5: 1.0}) == Findings(1, START + 5 * MINUTE)


def test_the_usual_interval_is_the_lower_median(store: StorageAdapter) -> None:
    one = found(store, {0: 1.0, 5: 2.0, 15: 3.0, 25: 4.0, 45: 5.0})
    assert (one.size, one.interval) == (5, 10 * MINUTE)
    assert found(store, {60: 1.0}).interval == 10 * MINUTE  # 5, 10, 10, 15, 20
    assert found(store, {61: 1.0}).interval == 10 * MINUTE  # 1, 5, 10, 10, 15, 20


def test_gaps_are_longer_than_three_intervals(store: StorageAdapter) -> None:
    times = [0, 10, 20, 30, 60, 70, 101, 111, 121, 171, 181, 231]
    one = found(store, {minute: float(minute) for minute in times})
    assert (one.interval, one.gaps, one.gap) == (10 * MINUTE, 3, 50 * MINUTE)
    assert one.gap_start == START + 121 * MINUTE


def test_a_line_is_flat_if_longer_than_allowed(store: StorageAdapter) -> None:
    samples = {hour * 60: 5.0 if 3 <= hour <= 27 else float(hour) for hour in range(40)}
    assert found(store, samples).flat is None  # 24 hours are allowed
    [one] = store.his_quality([window(flat=DAY - 1)])
    assert (one.flat, one.flat_start) == (DAY, START + 3 * HOUR)
    [one] = store.his_quality([window(flat=None)])
    assert one.flat is None


@pytest.mark.parametrize("value", [NA, Number(math.nan), Number(math.inf), True, "x"])
def test_any_other_value_ends_a_run(store: StorageAdapter, value: Any) -> None:
    samples: dict[int, Any] = {hour * 60: 5.0 for hour in range(40)}
    one = found(store, samples | {20 * 60: value})
    assert one.flat is None
    [one] = store.his_quality([window(flat=HOUR)])
    assert (one.flat, one.flat_start) == (19 * HOUR, START)


def test_equal_runs_that_are_short(store: StorageAdapter) -> None:
    samples = {minute: float(minute // (20 * 60)) for minute in range(0, 6_000, 60)}
    assert found(store, samples).flat is None


def test_numbers_outside_of_the_limits(store: StorageAdapter) -> None:
    samples: dict[int, Any] = {n: float(n) for n in range(10)}
    one = found(store, samples | {20: NA, 21: Number(math.inf)}, low=2.0, high=7.0)
    assert one.outside == 4
    assert [it.outside for it in store.his_quality([window(low=3.0)])] == [3]
    assert [it.outside for it in store.his_quality([window(high=3.0)])] == [6]


def test_values_of_another_kind(store: StorageAdapter) -> None:
    values = [1.0, Number(math.nan), NA, True, False, "a", Coord(1, 2), NA]
    found(store, dict(enumerate(values)))
    kinds = ("Number", "Bool", "Str", "Coord", "Ref", None)
    each = store.his_quality([window(kind=kind) for kind in kinds])
    assert [one.mismatched for one in each] == [4, 4, 5, 5, 6, 0]
    assert [one.na for one in each] == [2] * 6


def test_later_samples(store: StorageAdapter) -> None:
    day = 24 * 60
    samples = {0: 1.0, 30 * day: 2.0, 30 * day + 1: 3.0, 90 * day: 4.0}
    one = found(store, samples)
    assert (one.size, one.newest, one.future) == (2, NOW, 2)
    [one] = store.his_quality([window(last=NOW + 60 * DAY)])
    assert (one.size, one.newest, one.future) == (2, NOW, 2)


def test_the_newest_sample_may_be_outside_of_the_window(store: StorageAdapter) -> None:
    filled(store, {0: 1.0, 60: 2.0, 600: 3.0})
    hours = [(0, 5), (2, 5), (0, 11), (12, 13)]
    windows = [window(start=START + a * HOUR, end=START + b * HOUR) for a, b in hours]
    each = store.his_quality(windows)
    assert [one.size for one in each] == [2, 0, 3, 0]
    assert {one.newest for one in each} == {START + 10 * HOUR}


def test_a_known_newest_sample_is_not_asked_for(store: StorageAdapter) -> None:
    assert found(store, {0: 1.0}, last=START + HOUR).newest == START + HOUR


def test_each_of_several_points(store: StorageAdapter) -> None:
    filled(store, {0: 1.0, 10: 2.0}, "a")
    filled(store, {0: 1.0, 20: 2.0}, "b")
    each = store.his_quality([window(id) for id in ("b", "none", "a", "b")])
    intervals = [20 * MINUTE, None, 10 * MINUTE, 20 * MINUTE]
    assert [one.interval for one in each] == intervals


# -- SQL equals the reference --------------------------------------------------

IDS = ("a", "b", "c")
numbers = st.sampled_from([0.0, 1.0, 1.5, -3.0, 1e300])
others = st.sampled_from(
    [NA, Number(math.nan), Number(-math.inf), True, False, "", "na", Coord(1, 2)]
)
steps = st.one_of(
    st.sampled_from([15 * MINUTE, 15 * MINUTE, HOUR, 45 * MINUTE + 1, DAY]),
    st.integers(1_000, 100 * HOUR),
)


@st.composite
def histories(draw: st.DrawFn) -> dict[int, Any]:
    """Samples by time, some before the window and some later than now."""
    time, samples = START + draw(st.sampled_from([-2 * DAY, 0, 29 * DAY])), {}
    for _ in range(draw(st.integers(0, 40))):
        time += draw(steps)
        samples[time] = draw(numbers if draw(st.integers(0, 4)) else others)
    for _ in range(draw(st.integers(0, 2))):
        samples[NOW + draw(st.integers(0, 3 * DAY))] = draw(numbers)
    return dict(sorted(samples.items()))


@st.composite
def windows(draw: st.DrawFn, id: str, samples: dict[int, Any]) -> Window:
    times = list(samples) or [START]
    start = draw(st.sampled_from([*times, START + draw(st.integers(-DAY, 30 * DAY))]))
    end = draw(st.sampled_from([NOW + 1, *(at for at in times if at <= NOW)]))
    return Window(
        id,
        min(start, end),
        end,
        NOW,
        draw(st.sampled_from(["Number", "Bool", "Str", "Coord", "Ref", None])),
        draw(st.none() | numbers),
        draw(st.none() | numbers),
        draw(st.sampled_from([None, 1, HOUR, DAY])),
        draw(st.sampled_from([None, max(times), START])),
    )


def test_sql_equals_the_reference(sql_store: OrmAdapter) -> None:
    stores = [sql_store, InMemoryAdapter()]
    for store in stores:
        store.load_entities(map(entity, IDS))

    @settings(max_examples=150)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        drawn = {id: data.draw(histories(), id) for id in IDS}
        for store in stores:
            store.his_store({id: replacing(store, id, drawn[id]) for id in IDS})
        asked = [data.draw(windows(id, drawn[id]), id) for id in (*IDS, IDS[0])]
        expected = [QualityStore.his_quality(store, asked) for store in stores]
        assert expected[0] == expected[1]
        assert sql_store.his_quality(asked) == expected[0]

    check()


@st.composite
def regular(draw: st.DrawFn) -> dict[int, Any]:
    """Hours, of which some may be missing, elsewhere or special, with numbers that last."""
    lasts = draw(st.sampled_from([1, 2, 8, 9, 10]))
    samples: dict[int, Any] = {
        START + hour * HOUR: float((hour + 3) // lasts) for hour in range(40)
    }
    mark = START + draw(st.integers(0, 39)) * HOUR
    match draw(st.sampled_from(["", "missing", "moved", "special", "limit"])):
        case "missing":
            for hour in range(draw(st.integers(1, 4))):
                samples.pop(mark + hour * HOUR, None)
        case "moved":  # as many samples as before, for one gap
            for hour in range(draw(st.integers(1, 4))):
                if number := samples.pop(mark + hour * HOUR, None):
                    samples[START + 38 * HOUR + (hour + 1) * 10 * MINUTE] = number
        case "special":
            samples[mark] = draw(others)
        case "limit":
            samples[mark] = draw(st.sampled_from([-1.0, 99.0]))
    return samples


def test_histories_that_are_almost_regular(sql_store: OrmAdapter) -> None:
    reference = InMemoryAdapter()
    stores = [sql_store, reference]
    for store in stores:
        store.load_entities(map(entity, IDS))
    flats = st.sampled_from([8 * HOUR - 1, 8 * HOUR, 9 * HOUR - 1, None])

    @settings(max_examples=150)
    @given(st.tuples(*[st.tuples(regular(), flats)] * len(IDS)))
    def check(drawn: tuple[tuple[dict[int, Any], int | None], ...]) -> None:
        histories = dict(zip(IDS, drawn, strict=True))
        for store in stores:
            store.his_store(
                {id: replacing(store, id, own) for id, (own, _) in histories.items()}
            )
        asked = [
            window(id, flat=flat, start=START + hours * HOUR, low=0.0, high=90.0)
            for hours in (0, 1, 36, 37)
            for id, (_, flat) in histories.items()
        ]
        expected = QualityStore.his_quality(reference, asked)
        assert sql_store.his_quality(asked) == expected

    check()


def replacing(store: StorageAdapter, id: str, samples: dict[int, Any]) -> Batch:
    """These samples in place of those of the store."""
    held = {time for chunk in store.his_chunks(id) for time in chunk.times}
    return Batch(samples, sorted(held - samples.keys()))
