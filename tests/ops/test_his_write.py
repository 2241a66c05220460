"""hisWrite does the same with samples in columns as with rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.api.parsers import body_grid
from haystack_app.kinds import MARKER, Number
from haystack_app.kinds.columns import SampleRows
from haystack_app.ops import Context
from haystack_app.ops.history import his_write
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.wire.registry import HAYSON, ZINC, Format
from tests.his_bodies import IDS, hayson_bodies, zinc_bodies
from tests.storage.building import history, point

many = settings(max_examples=400, deadline=None, derandomize=True)
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)

points = st.fixed_dictionaries(
    {
        "tz": st.sampled_from(["New_York", "UTC", "GMT", "Kolkata", "Calcutta"]),
        "kind": st.sampled_from(["Number"] * 6 + ["Bool", "Str", "zz"]),
    },
    optional={
        "unit": st.sampled_from(["°F", "kW/m²", "_foo"]),
        "hisTsPrecision": st.sampled_from([Number(1, "sec"), Number(5, "min")]),
        "cur": st.just(MARKER),
    },
)


def filled(tags: dict[str, Any]) -> InMemoryAdapter:
    return InMemoryAdapter([point(id, **tags) for id in IDS])


def outcome(
    store: StorageAdapter, format: Format, body: bytes, *, in_columns: bool
) -> tuple[str, list[str], list[str]]:
    """The error, if any, and what is stored."""
    error = ""
    try:
        grid = body_grid(format, body, accepts_list=False, in_columns=in_columns)
        his_write(Context(store, now=NOW), grid)
    except ValueError as err:
        error = f"{type(err).__name__}: {err}"
    records = [store.existing(id).tags | {"mod": None} for id in IDS]
    return error, list(map(repr, records)), [repr(history(store, id)) for id in IDS]


@pytest.mark.parametrize(
    ("format", "bodies"), [(ZINC, zinc_bodies), (HAYSON, hayson_bodies)]
)
def test_columns_are_stored_as_rows_are(
    format: Format, bodies: Callable[[], st.SearchStrategy[bytes]]
) -> None:
    @many
    @given(tags=points, body=bodies())
    def test(tags: dict[str, Any], body: bytes) -> None:
        found = outcome(filled(tags), format, body, in_columns=True)
        assert found == outcome(filled(tags), format, body, in_columns=False)

    test()


BODY = (
    'ver:"3.0"\nts,v0 id:@p0 unit:"°F",v1 id:@p1\n'
    "2024-01-15T12:00:02.5-05:00 New_York,71,-0.0\n"
    "2024-01-15T12:00:01-05:00 New_York,,2\n"
    "2024-01-15T12:00:02.500999-05:00 New_York,72,\n"
)


def in_columns(text: str) -> Any:
    grid = body_grid(ZINC, text.encode(), accepts_list=False, in_columns=True)
    assert isinstance(grid.rows, SampleRows)
    return grid


def test_columns_are_stored(store: StorageAdapter) -> None:
    """Unsorted, with a repeated time, missing cells and a unit in the meta."""
    store.load_entities([point("p0", unit="°F"), point("p1")])
    his_write(Context(store, now=NOW), in_columns(BODY))
    assert [value for _, value in history(store, "p0")] == [Number(72, "°F")]
    assert repr([value for _, value in history(store, "p1")]) == repr(
        [Number(2), Number(0.0)]
    )


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        ({"unit": "°C"}, "@p0, sample 1: unit must be °C, not °F"),
        ({"unit": "°F", "kind": "Bool"}, "@p0, sample 1: value must be a Bool"),
        ({"unit": "°F", "tz": "UTC"}, "@p0, sample 1: ts is in zone New_York"),
    ],
)
def test_errors_name_each_sample(
    store: StorageAdapter, tags: dict[str, Any], error: str
) -> None:
    store.load_entities([point("p0", **tags), point("p1")])
    with pytest.raises(ValueError, match="2 errors, nothing was stored") as caught:
        his_write(Context(store, now=NOW), in_columns(BODY))
    assert error in str(caught.value)
    assert "@p0, sample 3: " in str(caught.value)
    assert history(store, "p1") == []
