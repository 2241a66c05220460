"""hisSize, hisStart, hisEnd and hisEndVal follow what is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haystack_app.kinds import NA, REMOVE, DateTime, Number
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.kinds.transient import HIS_FACTS
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import at, ids, point

Store = StorageAdapter
NOON = at("2024-03-01 12:00")


def facts(store: Store, id: str = "p") -> dict[str, Any]:
    record = store.existing(id)
    return {name: record[name] for name in sorted(HIS_FACTS) if name in record}


def expected(store: Store, id: str = "p") -> dict[str, Any]:
    """What the samples themselves say."""
    pairs = list(store.his_read(id).pairs())
    if not pairs:
        return {"hisSize": Number(0)}
    return {
        "hisEnd": DateTime(instant_of(pairs[-1][0]), "New_York"),
        "hisEndVal": pairs[-1][1],
        "hisSize": Number(len(pairs)),
        "hisStart": DateTime(instant_of(pairs[0][0]), "New_York"),
    }


times = st.integers(0, 40).map(
    lambda minute: DateTime(
        instant_of(microseconds_of(NOON.utc) + minute * 60_000_000), "New_York"
    )
)
values = st.sampled_from([Number(1), Number(2.5), NA, REMOVE, Number(float("inf"))])
batches = st.lists(st.tuples(times, values), max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(writes=st.lists(batches, max_size=6))
def test_facts_are_what_the_samples_say(
    store: Store, writes: list[list[tuple[DateTime, Any]]]
) -> None:
    store.load_entities([], replace=True)
    store.load_entities([point(unit="kW")])
    assert facts(store) == {}
    for count, batch in enumerate(writes):
        store.his_write("p", batch)
        if batch or any(writes[:count]):
            assert facts(store) == expected(store)


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [("Bool", True, False), ("Str", "a", "b"), ("Number", Number(1), NA)],
)
def test_facts_of_other_kinds(store: Store, kind: str, first: Any, last: Any) -> None:
    store.load_entities([point(kind=kind)])
    store.his_write("p", [(NOON, first), (at("2024-03-02 12:00"), last)])
    assert facts(store) == expected(store)
    assert facts(store)["hisEndVal"] == last
    store.his_write("p", [(at("2024-03-02 12:00"), REMOVE)])
    assert facts(store) == expected(store)
    assert facts(store)["hisEndVal"] == first


def test_filters_see_them_and_mod_does_not_move(store: Store) -> None:
    store.load_entities([point(unit="°F")])
    mod = store.existing("p")["mod"]
    store.his_write("p", [(NOON, Number(72))])
    assert ids(store.read("hisEndVal > 70°F and hisSize == 1")) == ["p"]
    assert store.existing("p")["mod"] == mod
    assert len(store.changes_of("p")) == 1


def test_a_history_without_facts(sql_store: Any) -> None:
    """Samples from before there were facts, or written by SQL."""
    sql_store.load_entities([point()])
    sql_store.his_write("p", [(NOON, Number(1))])
    sql_store.set_transient({"p": dict.fromkeys(HIS_FACTS)})
    assert facts(sql_store) == {}
    sql_store.his_write("p", [(at("2024-02-01 12:00"), Number(2))])
    assert facts(sql_store) == expected(sql_store)
    assert facts(sql_store)["hisSize"] == Number(2)
