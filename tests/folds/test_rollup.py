"""The streaming roll-up against the naive one, and the rules one by one."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from haystack_app.folds.buckets import Interval
from haystack_app.folds.errors import FoldError
from haystack_app.folds.meaning import FOLDS, Meaning, fold_names
from haystack_app.folds.rollup import END, Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.scalars import NA
from tests.folds.histories import MINUTE, a_history, a_rollup, a_zone, plain, spans
from tests.folds.naive import naive

HOUR = 60 * MINUTE
DAY = 24 * HOUR


def streamed(
    rollup: Rollup, samples: list[tuple[int, Any]]
) -> list[tuple[int, dict[str, Any]]]:
    """Each part of the history is given as a store gives it."""
    return list(
        rollup.rows(
            [one for one in samples if rollup.start <= one[0] <= rollup.end],
            reversed([one for one in samples if one[0] < rollup.start]),
            lambda: [one for one in samples if one[0] > rollup.end],
        )
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    for _ in range(50):
        kind = random.choice(["Number", "Number", "Bool", "Str"])
        tz, base = a_zone(random)
        samples, rollup = (
            a_history(random, base, kind),
            a_rollup(random, tz, base, kind),
        )
        expected = naive(rollup, samples, spans(rollup))
        assert plain(streamed(rollup, samples)) == plain(expected), (rollup, samples)


# -- the rules ------------------------------------------------------------------


def folded(
    fold: str, samples: list[tuple[float, Any]], hours: float = 24, **meaning: Any
) -> list[tuple[float, Any]]:
    """Rows of buckets of an hour; times in hours since 1970 UTC, from 1 on."""
    made = Meaning("Number", **({"unit": "kW"} | meaning))
    rollup = Rollup(
        [fold], Interval.of(Number(1, "hr")), "UTC", HOUR, int(hours * HOUR), made
    )
    history = [(int(time * HOUR), value) for time, value in samples]
    return [(time / HOUR, row[fold]) for time, row in streamed(rollup, history)]


def test_a_sample_of_a_boundary() -> None:
    samples = [(1.0, 5.0), (2.0, 7.0)]
    assert folded("sum", samples) == [(1, 5), (2, 7)]
    assert folded("sum", samples, ends_included=True) == [(1, 7)]
    assert folded("sum", samples, hours=2) == [(1, 5)]
    assert folded("sum", samples, hours=2, ends_included=True) == [(1, 7)]


def test_held_values_of_each_bucket() -> None:
    assert folded("twa", [(0.5, 4.0)], hours=4) == []
    assert folded("twa", [(0.5, 4.0), (3.5, 8.0)], hours=5) == [(1, 4), (2, 4), (3, 4)]
    assert folded("twa", [(0.5, 4.0)], hours=9, horizon=int(2.5 * HOUR)) == [
        (1, 4),
        (2, 4),
    ]
    assert folded("integral", [(0.5, 4.0)], hours=9, horizon=int(2.5 * HOUR)) == [
        (1, 4),
        (2, 2),
    ]
    assert folded("integral", [(1.75, 4.0), (2.5, 0.0), (3, 0.0)], hours=9) == [
        (1, 1),
        (2, 2),
    ]


def test_lines_between_samples() -> None:
    ramp = [(0.0, 0.0), (4.0, 4.0)]
    assert folded("twa", ramp, is_linear=True, horizon=DAY) == [
        (1, 1.5),
        (2, 2.5),
        (3, 3.5),
    ]
    assert folded("twa", ramp, hours=2.5, is_linear=True) == [(1, 1.5), (2, 2.25)]
    assert folded(
        "twa", [(0.0, 0.0), (3.0, math.nan), (4.0, 4.0)], hours=2, is_linear=True
    ) == [(1, 1.5)]
    assert folded("twa", [(1.0, 1.0), (3.5, NA), (4.0, 4.0)], is_linear=True) == [
        (3, NA)
    ]


def test_time_after_na_is_unknown() -> None:
    samples = [(1.0, 2.0), (1.5, NA), (3.5, 6.0), (5.0, 6.0)]
    assert folded("twa", samples) == [(1, NA), (3, 6), (4, 6)]
    assert folded("integral", samples) == [(1, NA), (3, 3), (4, 6)]


def test_consumption_of_a_counter() -> None:
    readings = [
        (0.5, 10.0),
        (1.0, 11.0),
        (1.5, 15.0),
        (2.0, 16.0),
        (2.25, 3.0),
        (2.5, 5.0),
        (4.5, 9.0),
    ]
    assert folded("delta", readings) == [(1, 5), (2, 5), (4, 4)]
    assert folded("delta", readings[2:]) == [(1, 1), (2, 5), (4, 4)]
    assert folded("delta", [(1.5, 3.0)]) == [(1, 0)]
    assert folded("delta", [(1.0, 3.0), (1.5, NA), (2.5, 7.0)]) == [(1, NA), (2, 4)]


def test_na_and_nan() -> None:
    samples = [(1.0, NA), (1.1, 5.0), (2.0, math.nan), (3.0, math.nan), (3.1, 7.0)]
    nan = repr(math.nan)
    for fold in ("avg", "min", "max", "sum", "spread"):
        found = [repr(value) for _, value in folded(fold, samples)]
        assert found == ["NA", nan, "0.0" if fold == "spread" else "7.0"]
    assert folded("count", samples) == [(1, 2), (2, 1), (3, 2)]
    assert [repr(value) for _, value in folded("first", samples)] == ["NA", nan, "7.0"]
    assert [repr(value) for _, value in folded("last", samples)] == ["5.0", nan, "7.0"]


def test_sums_are_rounded_once() -> None:
    tiny = [(1 + place / 1_000, 0.1) for place in range(10)]
    assert folded("sum", [*tiny, (1.5, 1e17), (1.6, -1e17)]) == [(1, 1.0)]
    assert folded("sum", [(1.1, 1e308), (1.2, 1e308), (1.3, -1e308)]) == [(1, 1e308)]
    assert folded("sum", [(1.1, 1e308), (1.2, 1e308)]) == [(1, math.inf)]
    assert folded("avg", [(1.1, 1e308), (1.2, 1e308)]) == [(1, 1e308)]
    assert folded("max", [(1.1, math.inf), (1.2, 2.0)]) == [(1, math.inf)]
    assert folded("avg", [(1.1, math.inf), (1.2, 2.0)]) == [(1, math.inf)]


def test_only_what_is_needed_is_read() -> None:
    """One sample before the range, and one after it; none for folds of samples."""
    reads: list[int] = []

    def counted(samples: list[tuple[int, Any]]) -> Any:
        for time, value in samples:
            reads.append(time)
            yield time, value

    past = [(-1, 5.0), (-2, 4.0), (-3, 3.0)]
    future = [(DAY + 1, 1.0), (DAY + 2, 2.0)]
    meaning = Meaning("Number", "kW")
    for fold, expected in (("avg", []), ("delta", [-1]), ("twa", [-1, DAY + 1])):
        rollup = Rollup([fold], Interval.of(Number(1, "hr")), "UTC", 0, DAY, meaning)
        list(rollup.rows([(HOUR, 1.0)], counted(past), lambda: counted(future)))
        assert reads == expected
        reads.clear()


@pytest.mark.parametrize(
    ("start", "end", "cut"),
    [
        (0, DAY, False),
        (1, DAY, True),
        (0, DAY - 1, True),
        (0, END, False),
        (-END, END, False),
    ],
)
def test_a_range_that_cuts_a_bucket(start: int, end: int, cut: bool) -> None:
    rollup = Rollup(
        ["avg"], Interval.of(Number(1, "day")), "UTC", start, end, Meaning("Number")
    )
    assert rollup.is_cut is cut


# -- which folds, which units ---------------------------------------------------


def test_folds_of_kinds() -> None:
    for kind, allowed in (
        ("Bool", "avg, count, first, last, twa"),
        ("Str", "count, first, last"),
        (None, "count, first, last"),
    ):
        for fold in FOLDS:
            if fold in allowed.split(", "):
                Meaning(kind).check([fold])
            else:
                with pytest.raises(FoldError, match=f"rollup {fold}: .*{allowed}"):
                    Meaning(kind).check([fold])


@pytest.mark.parametrize("mode", ["twa", "integral"])
def test_amounts_are_not_held(mode: str) -> None:
    with pytest.raises(FoldError, match="hisMode is consumption"):
        Meaning("Number", "kW", ends_included=True).check([mode])


def test_the_fold_of_a_request_without_one() -> None:
    def default(**tags: Any) -> str:
        return Meaning.of({"kind": "Number"} | tags, None, 0).default

    assert default() == default(kind="Bool") == "avg"
    assert default(hisTotalized=True) == "delta"
    assert default(hisMode="consumption") == "sum"
    with pytest.raises(FoldError, match="missing rollup"):
        default(kind="Str")


def test_names() -> None:
    assert fold_names("min, avg,max") == ["min", "avg", "max"]
    for text in ("", "min,,max", "median", "MIN", "min,min"):
        with pytest.raises(FoldError, match="rollup"):
            fold_names(text)


def test_how_long_the_newest_value_holds() -> None:
    assert Meaning.of({"curStatus": "stale"}, None, 5).horizon is None
    assert Meaning.of({"curStatus": "ok"}, None, 5).horizon == 5
    assert Meaning.of({}, None, 5).horizon == 5
