"""Records in a temporary file are those that were given in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given

from haystack_app.kinds import MARKER, NA, Number, Ref
from haystack_app.sql.sqlite_terms import terms_of
from haystack_app.storage.errors import InvalidRecord
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.short_transactions import commit_in_parts
from haystack_app.storage.spooled import SpooledRecords, ids_of
from haystack_app.storage.stored import Stored, stored_form
from tests.strategies import data_sets

MOD = dt.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC)


def same(one: Stored, other: Stored) -> bool:
    """Values may be in JSON: then what is made of them must be the same."""
    texts = [
        [text for name, text in it.plain if type(text) is str] for it in (one, other)
    ]
    return (
        one._replace(plain=(), given=()) == other._replace(plain=(), given=())
        and sorted(one.given) == sorted(other.given)
        and terms_of(one.plain) == terms_of(other.plain)
        and texts[0] == texts[1]
    )


def forms(rows: list[dict[str, Any]]) -> list[Stored]:
    found = []
    for row in rows:
        try:
            found.append(stored_form(row))
        except InvalidRecord:
            continue
    return found


@given(data_sets())
def test_random_records(rows: list[dict[str, Any]]) -> None:
    records = forms(rows)
    spooled = SpooledRecords(records)
    assert ids_of(spooled) == [one.id for one in records]
    assert all(map(same, spooled, records))
    assert len(spooled) == len(records)


def test_values_that_are_more_than_a_text() -> None:
    record = {
        "id": Ref("a", "A"),
        "equipRef": Ref("e", "Equip"),
        "refs": [Ref("b"), Ref("c", "C"), Number(1)],
        "nested": {"deep": Ref("d"), "marker": MARKER},
        "na": NA,
        "text": "two\nlines and \u2028 more",
        "curVal": Number(7, "kW"),
    }
    stored = stored_form(record)._replace(mod=MOD)
    [found] = SpooledRecords([stored])
    assert same(found, stored)
    assert found.mod == MOD
    assert found.is_nested
    assert found.edges == stored.edges


def test_places_and_slices() -> None:
    records = [stored_form({"id": Ref(f"r{n}"), "n": Number(n)}) for n in range(7)]
    spooled = SpooledRecords(records)
    for piece in (
        slice(2, 5),
        slice(None),
        slice(5, 99),
        slice(4, 2),
        slice(None, None, -2),
    ):
        assert [one.id for one in spooled[piece]] == [one.id for one in records[piece]]
    assert (spooled[0].id, spooled[-1].id) == ("r0", "r6")
    with pytest.raises(IndexError):
        spooled[7]
    assert list(SpooledRecords()) == []


def test_they_are_committed_as_others_are() -> None:
    rows = [{"id": Ref(f"r{n}"), "dis": f"R {n}", "toRef": Ref("r0")} for n in range(9)]
    stores = InMemoryAdapter(), InMemoryAdapter()
    records = [stored_form(row) for row in rows]
    commit_in_parts(stores[0], records)
    commit_in_parts(stores[1], SpooledRecords(records))
    found = [[{**row.tags, "mod": None} for row in store.scan()] for store in stores]
    assert found[0] == found[1]
    assert found[1][3]["toRef"].dis == "R 0"
