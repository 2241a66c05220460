"""Random histories and roll-ups, for the evaluators and for the stores."""

from __future__ import annotations

import math
from itertools import takewhile
from random import Random
from typing import Any

from haystack_app.folds.buckets import Interval, buckets
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.scalars import NA
from haystack_app.kinds.series import microseconds_of
from tests.storage.building import at

MINUTE = 60_000_000
DAY = 1_440 * MINUTE
# days on which the clocks change
DAYS = [
    ("New_York", "2024-03-09 12:00"),
    ("New_York", "2024-11-02 12:00"),
    ("Sao_Paulo", "2018-11-03 12:00"),
    ("Beirut", "2024-10-26 12:00"),
    ("Apia", "2011-12-29 12:00"),
    ("Lord_Howe", "2024-04-06 12:00"),
    ("Kolkata", "2024-06-01 12:00"),
]
INTERVALS = [
    *(Number(count, "min") for count in (15, 30)),
    *(Number(count, "hr") for count in (1, 6)),
    *(Number(1, unit) for unit in ("day", "wk", "mo")),
]
NUMBER_FOLDS = ["avg", "min", "max", "sum", "count", "first", "last", "spread", "delta"]
TIME_FOLDS = ["twa", "integral"]
VALUES: list[Any] = [0.0, 1.0, -2.5, 0.1, 1e17, 3.0, 3.0, 100.25]
MODES = ["sampled", "cov", "consumption", None]


def a_zone(random: Random) -> tuple[str, int]:
    tz, text = random.choice(DAYS)
    return tz, microseconds_of(at(text, tz).utc)


def a_history(random: Random, base: int, kind: str = "Number") -> list[tuple[int, Any]]:
    """Times are often at boundaries of buckets."""
    grain = random.choice([1, 7, 15, 30, 60, 240]) * MINUTE
    count = random.choice([0, 1, 2, 5, 20, 60])
    times = sorted(
        {base + random.randrange(2 * DAY // grain) * grain for _ in range(count)}
    )
    odd = random.choice([[], [], [NA], [math.nan], [NA, math.nan]])
    usual: list[Any] = {"Number": VALUES, "Bool": [True, False], "Str": ["a", "", "b"]}[
        kind
    ]
    if kind != "Number":
        odd = [value for value in odd if value is NA]
    return [(time, random.choice([*usual, *odd])) for time in times]


def a_rollup(random: Random, tz: str, base: int, kind: str = "Number") -> Rollup:
    """Its range is within the two days of the history, around it, or cuts buckets."""
    grain = random.choice([1, 15, 60, 360]) * MINUTE
    start = base + random.randrange(-DAY // grain, 2 * DAY // grain) * grain
    end = start + random.randrange(1, 3 * DAY // grain) * grain
    mode = random.choice(MODES) if kind == "Number" else None
    horizon = random.choice([None, base, base + random.randrange(4 * DAY)])
    meaning = Meaning(
        kind,
        "kW" if kind == "Number" else None,
        mode == "consumption",
        mode == "sampled",
        False,
        horizon,
    )
    folds = {
        "Number": NUMBER_FOLDS,
        "Bool": ["avg", "count", "first", "last"],
        "Str": ["count", "first", "last"],
    }[kind]
    if kind != "Str" and mode != "consumption":
        folds = [*folds, *(TIME_FOLDS if kind == "Number" else ["twa"])]
    chosen = random.sample(folds, random.randint(1, len(folds)))
    meaning.check(chosen)
    interval = Interval.of(random.choice(INTERVALS))
    return Rollup(chosen, interval, tz, start, end, meaning)


def spans(rollup: Rollup) -> list[tuple[int, int]]:
    found = buckets(rollup.interval, rollup.tz, rollup.start)
    return list(takewhile(lambda span: span[0] < rollup.end, found))


def plain(rows: Any) -> list[Any]:
    """Rows that can be compared: NaN is equal to itself, True is not 1."""
    return [
        (time, {fold: repr(value) for fold, value in row.items()}) for time, row in rows
    ]


def agree(rollup: Rollup, found: Any, expected: Any, samples: Any = ()) -> None:
    """Assert that rows are the same; those of added floats to 1e-9."""
    found, expected = list(found), list(expected)
    about = f"{rollup}, {samples}"
    assert [time for time, _ in found] == [time for time, _ in expected], about
    for (time, row), (_, wanted) in zip(found, expected, strict=True):
        assert row.keys() == wanted.keys(), (time, about)
        for fold, value in row.items():
            assert _same(fold, value, wanted[fold]), (time, row, wanted, about)


def _same(fold: str, value: Any, wanted: Any) -> bool:
    if (
        fold not in ("sum", "avg", "twa", "integral")
        or type(wanted) is not float
        or not math.isfinite(wanted)
        or type(value) is not float
    ):
        return repr(value) == repr(wanted)
    # values of different signs may cancel
    return math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-12)
