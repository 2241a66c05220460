"""Ranges proven by real hisReads: samples on, before and after both bounds.

The cases are those of the shared conformance suite.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import DateTime, Grid, Number, Ref
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire.errors import ParseError
from tests.storage.building import point

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "his_ranges.json"
SECOND = dt.timedelta(seconds=1)


def _cases() -> list[Any]:
    if not CASES.is_file():
        reason = f"no shared conformance cases: {CASES}"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    cases = json.loads(CASES.read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases]


def _date_time(value: dict[str, str]) -> DateTime:
    return DateTime.parse(value["val"], value["tz"])


def _ask(store: StorageAdapter, range: Any) -> Grid:
    op = find_op("hisRead")
    assert op is not None
    return op.run(Context(store), Grid.of([{"id": Ref("p"), "range": range}]))


@pytest.mark.parametrize("case", _cases())
def test_range(store: StorageAdapter, case: dict[str, Any]) -> None:
    store.load_entities([point(tz=case["tz"])])
    if case.get("error"):
        with pytest.raises(ParseError, match="range"):
            _ask(store, case["range"])
        return
    start, end = _date_time(case["start"]), _date_time(case["end"])
    moments = {
        bound.utc + step
        for bound in (start, end)
        for step in (-SECOND, 0 * SECOND, SECOND)
    }
    every = [DateTime(utc, case["tz"]) for utc in sorted(moments)]
    store.his_write("p", [(ts, Number(n)) for n, ts in enumerate(every)])
    answer = _ask(store, case["range"])
    assert answer.meta == {"id": Ref("p"), "hisStart": start, "hisEnd": end}
    assert answer.names == ["ts", "val"]
    assert [(row["ts"], row["val"]) for row in answer] == [
        (ts, Number(n)) for n, ts in enumerate(every) if start.utc <= ts.utc < end.utc
    ]


# -- the ends of the calendar -------------------------------------------------

ZONES = ["UTC", "New_York", "Kiritimati", "Kolkata", "GMT+12"]


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize(
    "range",
    [
        "0001-01-01,9999-12-31",
        "1950-01-02,9999-12-31",
        "0001-01-01T00:00:00Z,9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z,9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z,9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00+14:00 Kiritimati,9999-12-31T23:59:59.999999999Z UTC",
        "0001-01-01T00:00:00Z, 9999-12-31T23:59:59.9999999-05:00 New_York",
        "0001-01-01T00:00:00Z",
    ],
)
def test_a_range_of_all_time(store: StorageAdapter, tz: str, range: str) -> None:
    """As programs ask whose least and greatest times stand for "all" (.NET, Go)."""
    store.load_entities([point(tz=tz)])
    texts = ("1950-01-03T00:00:00", "2024-03-01T12:00:00", "9999-12-31T00:00:00")
    every = [DateTime(dt.datetime.fromisoformat(f"{text}+00:00"), tz) for text in texts]
    store.his_write("p", [(ts, Number(n)) for n, ts in enumerate(every)])
    answer = _ask(store, range)
    assert [row["ts"] for row in answer] == every
    assert answer.meta["hisStart"].utc < every[0].utc
    assert answer.meta["hisEnd"].utc > every[-1].utc


@pytest.mark.parametrize("tz", ZONES)
def test_the_last_and_the_first_day(store: StorageAdapter, tz: str) -> None:
    store.load_entities([point(tz=tz)])
    ts = DateTime(dt.datetime(9999, 12, 31, 9, tzinfo=dt.UTC), tz)
    store.his_write("p", [(ts, Number(1))])
    assert [row["ts"] for row in _ask(store, ts.local.date())] == [ts]
    assert list(_ask(store, "0001-01-01")) == []
    assert list(_ask(store, "9998-01-01,9998-12-31")) == []


@pytest.mark.parametrize("text", ["9999-02-30T00:00:00Z", "0001-13-01", "9999-12-32"])
def test_days_that_do_not_exist(store: StorageAdapter, text: str) -> None:
    store.load_entities([point()])
    with pytest.raises(ParseError, match="range"):
        _ask(store, text)


# -- open ranges --------------------------------------------------------------


@pytest.mark.parametrize("tz", ["UTC", "New_York"])
def test_an_open_range_ends_after_its_rows(store: StorageAdapter, tz: str) -> None:
    """Also after those of a forecast."""
    now = dt.datetime(2024, 3, 1, 12, 0, 0, 400_000, tzinfo=dt.UTC)
    op = find_op("hisRead")
    assert op is not None
    for days in (-1, 2, 400):
        store.load_entities([point(tz=tz), point("q", tz=tz)])
        ts = DateTime(now + dt.timedelta(days=days), tz)
        store.his_write("p", [(ts, Number(days))])
        context = Context(store, now=now)
        start = DateTime(now - 2 * dt.timedelta(days=1), tz)
        single = op.run(context, Grid.of([{"id": Ref("p"), "range": start}]))
        ids = [{"id": Ref("q")}, {"id": Ref("p")}]
        batch = op.run(context, Grid.of(ids, meta={"range": start}))
        for answer in (single, batch):
            rows = [row["ts"].utc for row in answer]
            assert rows[-1] == ts.utc
            assert answer.meta["hisEnd"].utc >= max(
                rows[-1], now.replace(microsecond=0)
            )


@pytest.mark.parametrize("tz", ["UTC", "New_York"])
def test_an_open_range_with_the_last_sample_of_all(
    store: StorageAdapter, tz: str
) -> None:
    store.load_entities([point(tz=tz)])
    ts = DateTime(dt.datetime(9999, 12, 31, 23, 59, 59, 999_000, dt.UTC), tz)
    store.his_write("p", [(ts, Number(1))])
    answer = _ask(store, "2024-01-01T00:00:00Z")
    assert [row["ts"] for row in answer] == [ts]
    assert answer.meta["hisEnd"].utc > ts.utc
