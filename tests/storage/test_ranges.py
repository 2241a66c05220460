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
