"""Roll-ups of hisRead on each store, compared with the naive ones."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import MARKER, DateTime, Grid, Number, Ref
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.ops import Context, OpError, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import UnknownEntity
from tests.folds.histories import DAY, MINUTE, a_history, a_rollup, a_zone, agree, spans
from tests.folds.naive import naive
from tests.storage.building import at, point

HISTORIES = 12


def asked(store: StorageAdapter, now: int, **arguments: Any) -> Grid:
    op = find_op("hisRead")
    assert op is not None
    request = Grid.of([{"id": Ref("p"), **arguments}])
    return op.run(Context(store, now=instant_of(now)), request)


def value_of(value: Any, unit: str | None = "kW") -> Any:
    return Number(value, unit) if type(value) is float else value


def rows_of(grid: Grid, rollup: Rollup) -> list[tuple[int, dict[str, Any]]]:
    """Rows as the evaluators give them; the units are asserted."""
    names = list(rollup.folds) if len(rollup.folds) > 1 else ["val"]
    assert grid.names == ["ts", *names]
    found = []
    for row in grid:
        cells = {}
        for name, fold in zip(names, rollup.folds, strict=True):
            value = row.get(name)
            if value is None:
                continue
            if type(value) is Number:
                if math.isfinite(value.val):
                    assert value.unit == rollup.meaning.unit_of(fold)
                value = value.val
            cells[fold] = value
        assert row["ts"].tz == rollup.tz
        found.append((microseconds_of(row["ts"].utc), cells))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_random_histories(store: StorageAdapter, seed: int) -> None:
    random = Random(seed)
    for number in range(HISTORIES):
        kind = random.choice(["Number", "Number", "Bool", "Str"])
        tz, base = a_zone(random)
        samples, rollup = (
            a_history(random, base, kind),
            a_rollup(random, tz, base, kind),
        )
        meaning = rollup.meaning
        mode = (
            "sampled"
            if meaning.is_linear
            else "consumption"
            if meaning.ends_included
            else "cov"
        )
        tags = {"unit": "kW"} if kind == "Number" else {}
        store.load_entities(
            [point(f"p{number}", tz=tz, kind=kind, hisMode=mode, **tags)]
        )
        written = [
            (DateTime(instant_of(time), tz), value_of(value)) for time, value in samples
        ]
        if meaning.horizon is None:
            with store.locked([f"p{number}"]):
                store.set_transient({f"p{number}": {"curStatus": "stale"}})
        random.shuffle(written)
        for at_once in (written[::2], written[1::2]):
            store.his_write(f"p{number}", at_once)
        start, end = (
            DateTime(instant_of(time), tz) for time in (rollup.start, rollup.end)
        )
        grid = asked(
            store,
            base if meaning.horizon is None else meaning.horizon,
            id=Ref(f"p{number}"),
            range=f"{start},{end}",
            rollup=",".join(rollup.folds),
            interval=rollup.interval.number,
        )
        expected = naive(rollup, samples, spans(rollup))
        agree(rollup, rows_of(grid, rollup), expected)
        assert ("partial" in grid.meta) is rollup.is_cut
        assert grid.meta["interval"] == rollup.interval.number


def test_decimation(store: StorageAdapter) -> None:
    random = Random(7)
    store.load_entities([point(unit="°F")])
    start = microseconds_of(at("2024-03-01 00:00").utc)
    values: list[Any] = [*map(float, range(50)), math.nan]
    samples = [
        (start + place * MINUTE, random.choice(values)) for place in range(3_000)
    ]
    store.his_write(
        "p",
        [
            (DateTime(instant_of(time), "New_York"), value_of(value, None))
            for time, value in samples
        ],
    )
    whole = asked(store, start + DAY, range="2024-03-01,2024-03-03")
    fewer = asked(
        store, start + DAY, range="2024-03-01,2024-03-03", maxPoints=Number(200)
    )
    rows, kept = list(whole), list(fewer)
    assert len(rows) == 3_000
    assert 150 <= len(kept) <= 200
    assert repr([row for row in rows if repr(row) in {*map(repr, kept)}]) == repr(kept)
    assert repr(kept[0]) == repr(rows[0])
    assert repr(kept[-1]) == repr(rows[-1])
    same = asked(
        store, start + DAY, range="2024-03-01,2024-03-03", maxPoints=Number(3_000)
    )
    assert repr(list(same)) == repr(rows)


def test_samples_before_a_time(store: StorageAdapter) -> None:
    store.load_entities([point()])
    first = at("1975-03-01 00:00")
    times = [
        first.utc,
        at("2024-03-01 00:00").utc,
        at("2024-03-01 00:15").utc,
        at("2024-03-02").utc,
    ]
    store.his_write(
        "p", [(DateTime(time, "New_York"), Number(n)) for n, time in enumerate(times)]
    )
    found = [(microseconds_of(time), float(n)) for n, time in enumerate(times)]
    for count in range(4):
        before = microseconds_of(times[count])
        assert list(store.his_backwards("p", before)) == found[:count][::-1]
    assert next(store.his_backwards("p", microseconds_of(times[-1]) + 1)) == found[-1]
    assert list(store.his_backwards("unknown", before)) == []


def test_scopes_hold(store: StorageAdapter) -> None:
    store.load_entities([point(zone="a"), point("other", zone="b")])
    scoped = store.visible_to(parse('zone == "a"'))
    for arguments in (
        {"rollup": "avg", "interval": Number(1, "hr")},
        {"maxPoints": Number(40)},
    ):
        assert list(asked(scoped, 0, range="today", **arguments)) == []
        with pytest.raises(UnknownEntity, match="@other"):
            asked(scoped, 0, id=Ref("other"), range="today", **arguments)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            {"rollup": "median", "interval": Number(1, "hr")},
            "@p: rollup must be one or several of avg, min",
        ),
        (
            {"rollup": Number(1), "interval": Number(1, "hr")},
            "@p: rollup must be a Str, not 1",
        ),
        ({"rollup": "avg"}, "@p: rollup needs interval"),
        (
            {"rollup": "avg", "interval": Number(7, "min")},
            "@p: interval 7min does not divide a day evenly",
        ),
        (
            {"rollup": "avg", "interval": Number(1)},
            "@p: interval must be a Number such as 15min, .* a day evenly, not 1$",
        ),
        (
            {"rollup": "avg", "interval": Number(1, "kW")},
            "@p: interval must be a Number such as 15min, .* a day evenly, not 1kW",
        ),
        (
            {"rollup": "avg", "interval": "1 hr"},
            '@p: interval must be a Number such as 15min, .* evenly, not "1 hr"',
        ),
        (
            {"rollup": "avg", "interval": Number(1, "sec")},
            "@p: interval 1sec divides the range into .* at most 1000000",
        ),
        (
            {
                "rollup": "avg",
                "interval": Number(1, "sec"),
                "range": "2023-10-01,2024-01-31",
            },
            "@p: interval 1sec divides the range into 10630800 buckets, at most 5000000",
        ),
        (
            {"rollup": "integral", "interval": Number(1, "hr")},
            "@p: integral needs a rate, such as kW or L/s: the unit °F",
        ),
        (
            {"maxPoints": Number(3)},
            "@p: maxPoints must be a whole Number from 4 to 1000000",
        ),
        ({"maxPoints": Number(4.5)}, "maxPoints must be a whole Number"),
        ({"maxPoints": Number(40, "kW")}, "maxPoints must be a whole Number"),
        ({"maxPoints": "many"}, "maxPoints must be a whole Number"),
        ({"maxPoints": Number(40), "interval": Number(1, "hr")}, "not both"),
        (
            {"id": Ref("b"), "rollup": "min", "interval": Number(1, "hr")},
            "@b: rollup min: the kind is Bool, which has avg, count",
        ),
        (
            {"id": Ref("s"), "interval": Number(1, "hr")},
            "@s: missing rollup: use count, first, last",
        ),
        (
            {"id": Ref("site"), "rollup": "avg", "interval": Number(1, "hr")},
            "@site has no history",
        ),
    ],
)
@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_bad_input(store: StorageAdapter, arguments: dict[str, Any], why: str) -> None:
    store.load_entities(
        [
            point(unit="°F"),
            point("b", kind="Bool"),
            point("s", kind="Str"),
            {"id": Ref("site"), "site": MARKER},
        ]
    )
    start, end = at("2024-03-01 00:00"), at("2024-03-20 00:00")
    store.his_write("p", [(start, Number(1)), (end, Number(2))])
    with pytest.raises((OpError, ValueError), match=why):
        asked(
            store,
            microseconds_of(end.utc),
            **{"range": "2024-03-01,2024-03-19", **arguments},
        )
