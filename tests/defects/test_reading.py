"""What the predecessor got wrong: reading and caching (numbers 1 to 10)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.ops import OpError
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import InvalidRecord
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import zinc_reader, zinc_writer
from haystack_app.wire.errors import ParseError
from tests.defects.building import building, found, run


@pytest.fixture
def full(store: StorageAdapter) -> StorageAdapter:
    store.load_entities(building())
    return store


def read_ids(store: StorageAdapter, *ids: str) -> list[str | None]:
    answer = run(store, "read", Grid.of([{"id": Ref(id)} for id in ids]))
    return [row["id"].id if row else None for row in answer]


def test_01_reads_of_several_ids_differ(full: StorageAdapter) -> None:
    assert [read_ids(full, id) for id in ("p1", "p2", "s1")] == [["p1"], ["p2"], ["s1"]]


def test_02_filters_that_differ_in_a_value_differ(full: StorageAdapter) -> None:
    answers = [found(full, f'dis=="{dis}"') for dis in ("Alpha", "Bravo", "missing")]
    assert answers == [["s1"], ["s2"], []]


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_03_changes_of_another_process_are_seen(sql_store: OrmAdapter) -> None:
    sql_store.load_entities(building())
    assert found(sql_store, 'geoCity=="Oslo"') == []
    assert found(sql_store, "site") == ["s1", "s2"]

    def change() -> None:
        other = OrmAdapter(using=sql_store.using)
        other.load_entities(
            [
                {"id": Ref("s2"), "site": MARKER, "geoCity": "Oslo"},
                {"id": Ref("s3"), "site": MARKER},
            ]
        )
        connections.close_all()

    thread = threading.Thread(target=change)
    thread.start()
    thread.join()
    assert found(sql_store, 'geoCity=="Oslo"') == ["s2"]
    assert found(sql_store, "site") == ["s1", "s2", "s3"]


def test_04_a_load_is_seen_and_callers_keep_their_lists(store: StorageAdapter) -> None:
    store.load_entities([{"id": Ref("k1"), "kk": MARKER, "v": "one"}])
    earlier = run(store, "read", filter="kk")
    for row in earlier:
        row.tags["v"] = "MUTATED BY CALLER"  # type: ignore[attr-defined]
    assert run(store, "read", filter="kk").first["v"] == "one"
    store.load_entities(
        [
            {"id": Ref("k1"), "kk": MARKER, "v": "two"},
            {"id": Ref("k2"), "kk": MARKER, "v": "new"},
        ]
    )
    assert sorted(row["v"] for row in run(store, "read", filter="kk")) == ["new", "two"]


def test_05_an_unknown_id_gives_a_null_row(full: StorageAdapter) -> None:
    assert read_ids(full, "p1", "nope", "p2") == ["p1", None, "p2"]
    text = zinc_writer.grid_text(
        run(full, "read", Grid.of([{"id": Ref(id)} for id in ("p1", "nope", "p2")]))
    )
    assert len(zinc_reader.read_grid(text).rows) == 3


def test_06_a_second_load_drops_no_columns(full: StorageAdapter) -> None:
    full.load_entities([{"id": Ref("k3"), "onlyK3": MARKER}])
    text = zinc_writer.grid_text(run(full, "read", filter="site"))
    names = set(zinc_reader.read_grid(text).names)
    assert names == {"mod"} | {name for row in building()[:2] for name in row}


def test_07_numbers_keep_their_digits(full: StorageAdapter) -> None:
    text = zinc_writer.grid_text(run(full, "read", filter="rate"))
    assert "1234567.891kW" in text


def test_08_a_negative_limit_gives_no_rows(full: StorageAdapter) -> None:
    answer = run(full, "read", filter="site", limit=Number(-1))
    assert list(answer) == []
    assert not answer.is_error


def test_08_errors_say_why(full: StorageAdapter) -> None:
    with pytest.raises(ParseError, match=r"expected a tag name|cut short"):
        run(full, "read", filter="point and")
    with pytest.raises(ParseError, match=r"'lastWeek'.*use today"):
        run(full, "hisRead", id=Ref("p1"), range="lastWeek")


def test_08_a_keyword_may_be_a_tag(full: StorageAdapter) -> None:
    """``point and and`` asks for the tag ``and``: keywords are contextual."""
    assert found(full, "point and and") == []
    full.load_entities([{"id": Ref("k"), "point": MARKER, "and": MARKER}])
    assert found(full, "point and and") == ["k"]


def test_09_nav(full: StorageAdapter) -> None:
    def children(id: Any = None) -> dict[str, Any]:
        answer = run(full, "nav", **({"navId": id} if id else {}))
        assert "navId" in answer.names
        return {row["id"].id: row.get("navId") for row in answer}

    assert children() == {"s1": Ref("s1"), "s2": Ref("s2")}
    assert children("s2") == {"p3": None, "p4": None}
    assert children(Ref("s1")) == {"e1": Ref("e1"), "p1": None, "p2": None}


def test_10_an_id_given_twice(full: StorageAdapter) -> None:
    rows = [
        {"id": Ref("new")},
        {"id": Ref("twice"), "dis": "1"},
        {"id": Ref("twice"), "dis": "2"},
    ]
    with pytest.raises(InvalidRecord, match="@twice is given twice, in rows 2 and 3"):
        run(full, "load", Grid.of(rows))
    assert read_ids(full, "new", "twice") == []
    assert len(list(full.scan())) == 7


def test_a_read_without_arguments_says_so(full: StorageAdapter) -> None:
    with pytest.raises(OpError, match="filter or ids"):
        run(full, "read")
