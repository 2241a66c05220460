"""What the predecessor got wrong: histories (numbers 24 to 39)."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
import time_machine

from haystack_app.kinds import MARKER, NA, REMOVE, Col, DateTime, Grid, Number, Ref
from haystack_app.ops import OpError
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import InvalidSample, StorageError
from haystack_app.wire import hayson_reader, hayson_writer, zinc_reader, zinc_writer
from haystack_app.wire.errors import ParseError
from tests.defects.building import at, building, his, point, run, text_of

HOUR = dt.timedelta(hours=1)
DAY = "2024-03-02"


@pytest.fixture
def full(store: StorageAdapter) -> StorageAdapter:
    store.load_entities([*building(), point("n"), point("d", tz="Denver")])
    return store


def write(store: StorageAdapter, id: str, *samples: tuple[Any, Any]) -> Grid:
    rows = [{"ts": ts, "val": val} for ts, val in samples]
    request = Grid((Col("ts"), Col("val")), rows, {"id": Ref(id)})
    return run(store, "hisWrite", request)


def hourly(store: StorageAdapter, id: str, start: DateTime, count: int) -> None:
    samples = [
        (DateTime(start.utc + index * HOUR, start.tz), Number(index))
        for index in range(count)
    ]
    write(store, id, *samples)


def test_24_a_number_keeps_its_unit(full: StorageAdapter) -> None:
    write(full, "p1", (at(f"{DAY} 12:00"), Number(71, "°F")))
    answer = run(full, "hisRead", id=Ref("p1"), range=DAY)
    assert answer.names == ["ts", "val"]
    assert [row["val"] for row in answer] == [Number(71, "°F")]


def test_25_a_day_is_the_points_day(full: StorageAdapter) -> None:
    times = ["2024-03-01 23:00", f"{DAY} 00:00", f"{DAY} 12:00", f"{DAY} 23:00"]
    write(full, "n", *[(at(time), Number(1)) for time in [*times, "2024-03-03 00:00"]])
    found = his(full, "n", DAY)
    assert text_of(found) == [
        "2024-03-02T00:00:00-05:00",
        "2024-03-02T12:00:00-05:00",
        "2024-03-02T23:00:00-05:00",
    ]
    assert {ts.tz for ts, _ in found} == {"New_York"}


@time_machine.travel(at("2024-05-15 03:28", "Denver").utc, tick=False)
def test_26_today_is_the_points_today(full: StorageAdapter) -> None:
    hourly(full, "d", at("2024-05-14 00:00", "Denver"), 28)
    assert len(his(full, "d", "today")) == 4
    assert len(his(full, "d", "yesterday")) == 24


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-11-03", 25), ("2024-03-10", 23), (DAY, 24)]
)
def test_27_days_when_the_clocks_change(
    full: StorageAdapter, day: str, hours: int
) -> None:
    start = at(f"{day} 00:00")
    hourly(full, "n", DateTime(start.utc - 5 * HOUR, start.tz), 40)
    assert len(his(full, "n", day)) == hours


def test_28_a_pair_of_date_times(full: StorageAdapter) -> None:
    hourly(full, "n", at(f"{DAY} 00:00"), 24)
    range = f"{DAY}T02:00:00-05:00 New_York,{DAY}T05:00:00-05:00 New_York"
    assert text_of(his(full, "n", range)) == [
        f"{DAY}T0{h}:00:00-05:00" for h in (2, 3, 4)
    ]


@pytest.mark.parametrize("as_text", [True, False])
def test_29_one_date_time_is_everything_after_it(
    full: StorageAdapter, as_text: bool
) -> None:
    hourly(full, "n", at(f"{DAY} 00:00"), 72)
    start = at(f"{DAY} 20:00")
    assert len(his(full, "n", str(start) if as_text else start)) == 52


def test_30_the_answer_names_its_bounds(full: StorageAdapter) -> None:
    assert run(full, "hisRead", id=Ref("n"), range=DAY).meta == {
        "id": Ref("n"),
        "hisStart": at(f"{DAY} 00:00"),
        "hisEnd": at("2024-03-03 00:00"),
    }


def test_31_a_range_is_obeyed_or_refused(full: StorageAdapter) -> None:
    hourly(full, "n", at(f"{DAY} 00:00"), 72)
    assert len(his(full, "n", DAY)) == 24
    assert len(his(full, "n", "2024-03-03,2024-03-04")) == 48
    assert his(full, "n", "2023-01-01") == []
    for range in ("lastWeek", "", "2024", Number(5), "2024-03-02,", True):
        with pytest.raises(ParseError, match="range"):
            his(full, "n", range)
    with pytest.raises(OpError, match="range"):
        run(full, "hisRead", id=Ref("n"))


def test_32_bools_stay_bools(full: StorageAdapter) -> None:
    write(full, "p2", (at(f"{DAY} 01:00"), True), (at(f"{DAY} 02:00"), False))
    values = [val for _, val in his(full, "p2", DAY)]
    assert values[0] is True
    assert values[1] is False


def test_33_strings_na_and_remove(full: StorageAdapter) -> None:
    one, two, three = (at(f"{DAY} 0{hour}:00") for hour in (1, 2, 3))
    write(full, "p3", (one, "auto"), (two, NA), (three, "off"))
    assert his(full, "p3", DAY) == [(one, "auto"), (two, NA), (three, "off")]
    write(full, "p3", (one, REMOVE), (two, "on"))
    assert his(full, "p3", DAY) == [(two, "on"), (three, "off")]


def test_34_a_sample_without_a_value(full: StorageAdapter) -> None:
    one, two = at(f"{DAY} 01:00"), at(f"{DAY} 02:00")
    rows = [{"ts": one, "val": Number(1)}, {"ts": two}]
    single = Grid((Col("ts"), Col("val")), rows, {"id": Ref("n")})
    run(full, "hisWrite", single)
    assert his(full, "n", DAY) == [(one, Number(1))]
    cols = (Col("ts"), Col("val", {"id": Ref("n")}))
    run(full, "hisWrite", Grid(cols, rows))
    assert his(full, "n", DAY) == [(one, Number(1))]


def test_35_nan_and_infinity(full: StorageAdapter) -> None:
    times = [at(f"{DAY} 0{hour}:00") for hour in (1, 2, 3)]
    values = [Number(val) for val in (math.nan, math.inf, -math.inf)]
    write(full, "n", *zip(times, values, strict=True))
    answer = run(full, "hisRead", id=Ref("n"), range=DAY)
    zinc = zinc_reader.read_grid(zinc_writer.grid_text(answer))
    hayson = hayson_reader.read_grid(hayson_writer.grid_text(answer))
    for grid in (answer, zinc, hayson):
        assert [str(row["val"]) for row in grid] == ["nan", "inf", "-inf"]


@pytest.mark.parametrize(
    ("id", "tz", "value"),
    [
        ("n", "New_York", "12.5"),
        ("n", "New_York", True),
        ("p4", "Denver", Number(70, "°F")),
    ],
)
def test_36_a_value_of_another_kind_or_unit(
    full: StorageAdapter, id: str, tz: str, value: Any
) -> None:
    with pytest.raises(InvalidSample, match="must be"):
        write(full, id, (at(f"{DAY} 01:00", tz), value))
    assert his(full, id, DAY) == []


@pytest.mark.parametrize("id", ["missing", "s1", "e1"])
def test_37_what_has_no_history(full: StorageAdapter, id: str) -> None:
    with pytest.raises(StorageError, match=f"@{id}"):
        write(full, id, (at(f"{DAY} 01:00"), Number(1)))


def test_37_no_id(full: StorageAdapter) -> None:
    sample = {"ts": at(f"{DAY} 01:00"), "val": Number(1)}
    with pytest.raises(OpError, match="id"):
        run(full, "hisWrite", Grid((Col("ts"), Col("val")), [sample]))
    with pytest.raises(OpError, match="id"):
        run(full, "hisWrite", Grid((Col("val"), Col("ts")), [sample]))
    with pytest.raises(OpError, match=r"column|id"):
        run(full, "hisWrite", Grid((Col("ts"),), [{"ts": sample["ts"]}]))


def test_38_batches(full: StorageAdapter) -> None:
    one, two = at(f"{DAY} 01:00"), at(f"{DAY} 02:00")
    cols = (Col("ts"), Col("v0", {"id": Ref("n")}), Col("v1", {"id": Ref("p2")}))
    rows = [{"ts": one, "v0": Number(1), "v1": True}, {"ts": two, "v1": False}]
    run(full, "hisWrite", Grid(cols, rows))
    ids = [{"id": Ref("n")}, {"id": Ref("p2")}]
    answer = run(full, "hisRead", Grid((Col("id"),), ids, {"range": DAY}))
    assert [(col.name, col.meta.get("id")) for col in answer.cols] == [
        ("ts", None),
        ("v0", Ref("n")),
        ("v1", Ref("p2")),
    ]
    assert list(answer) == rows
    other = Grid((Col("id"),), ids, {"range": "2024-03-03"})
    assert list(run(full, "hisRead", other)) == []


def test_39_the_same_time_again_and_out_of_order(full: StorageAdapter) -> None:
    one, two, three = (at(f"{DAY} 0{hour}:00") for hour in (1, 2, 3))
    write(full, "n", (three, Number(3)), (one, Number(1)))
    write(full, "n", (two, Number(2)), (one, Number(9)))
    assert his(full, "n", DAY) == [
        (one, Number(9)),
        (two, Number(2)),
        (three, Number(3)),
    ]


def test_39_more_samples_than_any_cap(full: StorageAdapter) -> None:
    """The predecessor stopped at 100,000; enough to show that nothing is cut."""
    start = at("2024-01-01 00:00")
    step = dt.timedelta(seconds=1)
    full.his_write(
        "n",
        ((DateTime(start.utc + n * step, start.tz), Number(n)) for n in range(100_003)),
    )
    answer = run(full, "hisRead", id=Ref("n"), range="2024-01-01,2024-01-05")
    assert sum(1 for _ in answer.rows.pairs()) == 100_003  # type: ignore[union-attr]


def test_previous_and_next_samples_are_not_returned(full: StorageAdapter) -> None:
    write(
        full,
        "n",
        *[(at(t), Number(1)) for t in ("2024-03-01 23:59", "2024-03-03 00:00")],
    )
    assert his(full, "n", DAY) == []
    assert MARKER not in run(full, "hisRead", id=Ref("n"), range=DAY).meta.values()
