"""Import of haystack-py's tables into every store, with random samples."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haystack_app import databases
from haystack_app.kinds import Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.haystack_py.adopt import AdoptOptions, adopt
from haystack_app.transfer.haystack_py.tables import connect, layouts
from tests.storage.building import history
from tests.transfer.old_databases import SERVERS, Old, old_database, ref

pytestmark = [
    pytest.mark.usefixtures("by_url"),
    pytest.mark.skipif(not SERVERS, reason="no PostgreSQL server"),
]
M = {"_kind": "marker"}
POINT = {"point": M, "his": M, "tz": "New_York"}
MICROSECOND = dt.timedelta(microseconds=1)
START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)

_rows = st.lists(
    st.tuples(
        st.integers(-5_000_000, 5_000_000),  # microseconds, so that some share a second
        st.sampled_from([0.0, 1.0, -0.0]) | st.floats(),
    ),
    max_size=20,
)


@pytest.fixture
def old() -> Iterator[Old]:
    with old_database(SERVERS[0]) as database:
        yield database.plain()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_samples_of_every_kind(
    store: StorageAdapter, old: Old, data: st.DataObject
) -> None:
    numbers = data.draw(_rows)
    flags = [(at, float(data.draw(st.booleans()))) for at, _ in data.draw(_rows)]
    store.load_entities([], replace=True)
    old.db.execute("TRUNCATE entities, history")
    old.entities(
        {
            "n": {"id": ref("n"), **POINT, "kind": "Number", "unit": "kW"},
            "b": {"id": ref("b"), **POINT, "kind": "Bool"},
        }
    )
    for id, rows in (("n", numbers), ("b", flags)):
        times = [((START + at * MICROSECOND).isoformat(), val) for at, val in rows]
        old.samples(id, times)
    with connect(databases.postgres(old.dsn)) as connection:
        layout = layouts(connection)[0]
        result = adopt(connection, layout, store, AdoptOptions())
        again = adopt(connection, layout, store, AdoptOptions())
    assert result.rejected == [] and (again.entities, again.samples) == (0, 0)
    assert _seconds(store, "b") == _last(flags, bool)
    assert str(_seconds(store, "n")) == str(_last(numbers, _number))
    assert result.samples + result.duplicates == len(numbers) + len(flags)


def _number(val: float) -> Number:
    return Number(val + 0.0, "kW" if math.isfinite(val) else None)


def _last(rows: list[tuple[int, float]], read: Any) -> dict[int, Any]:
    """The last value of each second, in order of time and then of insertion."""
    ordered = sorted(rows, key=lambda row: row[0])
    return {at // 1_000_000: read(val) for at, val in ordered}


def _seconds(store: StorageAdapter, id: str) -> dict[int, Any]:
    found = {}
    for ts, value in history(store, id):
        at = dt.datetime.fromisoformat(ts) - START
        if isinstance(value, Number):
            value = Number(value.val + 0.0, value.unit)
        found[at // dt.timedelta(seconds=1)] = value
    return found
