"""Remembered SQL statements: they must never answer for another filter."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.orm import OrmAdapter, statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> OrmAdapter:
    statements._statements.clear()
    store = OrmAdapter()
    store.load_entities(
        [
            {"id": Ref("a"), "v": True},
            {"id": Ref("b"), "v": Number(1)},
            {"id": Ref("c"), "v": Number(1, "kW")},
            {"id": Ref("d"), "v": "1"},
            {"id": Ref("e"), "v": Ref("a")},
            {"id": Ref("f"), "v": MARKER, "site": MARKER},
        ]
    )
    return store


def ids(store: OrmAdapter, filter: str, limit: int | None = None) -> list[str]:
    return [record["id"].id for record in store.read(filter, limit)]


def test_values_of_other_kinds_have_statements_of_their_own(store: OrmAdapter) -> None:
    expected = {
        "v == true": ["a"],
        "v == 1": ["b"],
        "v == 1kW": ["c"],
        'v == "1"': ["d"],
        "v == @a": ["e"],
        "v == @b": [],
        "v and site": ["f"],
    }
    for _ in range(2):
        for filter, found in expected.items():
            assert ids(store, filter) == found


def test_limits_and_scopes_are_part_of_it(store: OrmAdapter) -> None:
    for _ in range(2):
        assert len(ids(store, "v", 2)) == 2
        assert len(ids(store, "v")) == 6
        scoped = store.visible_to(parse("v == 1 or site"))
        assert ids(scoped, "v") == ["b", "f"]
        assert [row is None for row in scoped.read_by_ids(["a", "b"])] == [True, False]
        assert None not in store.read_by_ids(["a", "b"])


def test_rows_are_not_remembered(store: OrmAdapter) -> None:
    assert ids(store, "site") == ["f"]
    store.load_entities([{"id": Ref("g"), "site": MARKER}])
    assert ids(store, "site") == ["f", "g"]
    assert len(store.read_by_ids(["g", "h"])) == 2
    store.load_entities([{"id": Ref("h")}])
    assert None not in store.read_by_ids(["g", "h"])


def test_it_is_compiled_once(store: OrmAdapter, monkeypatch: Any) -> None:
    ids(store, "site")
    store.read_by_ids(["a"])
    monkeypatch.setattr(statements, "statement_of", None)
    with CaptureQueriesContext(connection) as queries:
        assert ids(store, "site") == ["f"]
        assert store.read_by_ids(["b", "zz"])[0] is not None
    assert len(queries) == 2


def test_few_and_short_ones_are_remembered(
    store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "_MOST", 3)
    for number in range(6):
        ids(store, f"v == {number}")
    assert len(statements._statements) == 3
    long = "x" * statements._LONGEST
    ids(store, f'v == "{long}"')
    assert long not in str(statements._statements)


def test_a_filter_without_rows(store: OrmAdapter) -> None:
    for _ in range(2):
        assert ids(store, "Point") == []
