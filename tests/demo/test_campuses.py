"""The demo's records: complete, deterministic, with values of every kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from haystack_app import demo
from haystack_app.kinds import (
    MARKER,
    NA,
    Coord,
    DateTime,
    Grid,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.stored import stored_forms


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return list(demo.entities())


def refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    for item in (
        value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else ()
    ):
        yield from refs(item)


def test_size_and_refs(records: list[dict[str, Any]]) -> None:
    assert 1_400 <= len(records) <= 1_600
    dis = {record["id"].id: record["dis"] for record in records}
    assert len(dis) == len(records)
    for record in records:
        for ref in refs(record):
            assert dis[ref.id] == ref.dis, record["id"]


def test_records_are_deterministic(records: list[dict[str, Any]]) -> None:
    assert stored_forms(records) == stored_forms(demo.entities())


def test_every_kind_occurs(records: list[dict[str, Any]]) -> None:
    kinds = {type(value) for record in records for value in record.values()}
    assert kinds >= {
        bool,
        str,
        list,
        dict,
        dt.date,
        dt.time,
        type(MARKER),
        Number,
        Ref,
        Symbol,
        Uri,
        Coord,
        XStr,
        DateTime,
        Grid,
    }
    values = [value for record in records for value in record.values()]
    assert any(value is NA for value in values)


def test_points_are_complete(records: list[dict[str, Any]]) -> None:
    points = [record for record in records if "point" in record]
    for point in points:
        assert {
            "kind",
            "tz",
            "siteRef",
            "equipRef",
        } <= point.keys() or "weatherStationRef" in point
        assert sum(tag in point for tag in ("sensor", "cmd", "sp")) == 1, point["id"]
        if "writable" in point:
            assert point["writeStatus"] == "ok"
        # these follow the priority array
        assert not {"writeVal", "writeLevel"} & point.keys()
    assert {point["tz"] for point in points} == {"New_York", "London"}
    assert {point["kind"] for point in points} == {"Number", "Bool", "Str"}


def test_copies_have_distinct_ids(records: list[dict[str, Any]]) -> None:
    copies = [*records, *demo.entities(1), *demo.entities(17)]
    store = InMemoryAdapter(copies)
    assert len(list(store.scan())) == 3 * len(records)
    sites = store.read("site")
    assert len({site["geoCity"] for site in sites}) == len(sites) == 12
    assert len({site["dis"] for site in sites}) == 12
    by_city = store.read('point and siteRef->geoCity == "Springfield 17"')
    by_ref = store.read("point and siteRef == @north-17.b1")
    assert {row["id"] for row in by_city} == {row["id"] for row in by_ref}
    assert len(by_ref) > 200


@pytest.mark.parametrize(
    "text",
    [
        "ahu and chilledWaterCooling",  # of the front page
        "point and siteRef->yearBuilt < 2000",
        "point and cur and equipRef->ahu",  # of docs/live.md and examples/watch.py
        'point and temp and siteRef->geoCity == "Springfield"',
    ],
)
def test_filters_of_the_docs_match(records: list[dict[str, Any]], text: str) -> None:
    assert len(InMemoryAdapter(entities=records).read(text)) > 1
