"""What the predecessor got wrong: filters (numbers 11 to 23)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from tests.defects.building import building, found

POINTS = "p1 p2 p3 p4"
CASES = [
    ("11", "siteRef==@s1", "e1 p1 p2"),
    ("11", "id==@s1", "s1"),
    ("12", "siteRef!=@s1", "p3 p4"),
    ("13", "siteRef->site", f"e1 {POINTS}"),
    ("13", 'siteRef->geoCity=="Hugo"', "e1 p1 p2"),
    ("14", "not siteRef->site", "s1 s2"),
    ("15", "area==151455ft²", "s1"),
    ("15", "curVal==20°C", "p4"),
    ("16", "area>1000ft²", "s1"),
    ("16", "curVal>50°F", "p1"),
    ("16", "curVal>10°C", "p4"),
    ("16", "rate>1kW", "p4"),
    ("16", "site and (area>10 or occ)", "s1"),
    ("17", "area<200ft²", ""),
    ("17", "curVal<50°F", ""),
    ("18", "yearBuilt==2000", "s1"),
    ("18", "yearBuilt!=2000", "e1 s2"),
    ("19", "yearBuilt>1995", "s1"),
    ("20", 'x=="72.0"', "p1"),
    ("20", "x==72", "p2"),
    ("20", "x==true", "p3"),
    ("20", 'x=="true"', "p4"),
    ("21", "code==true", ""),
    ("21", 'code=="true"', "s1"),
    ("22", "airRef==@e1", "p3"),
    ("22", "airRef==@s2", "p3"),
    ("22", "airRef->equip", "p3"),
    ("22", "nested->bar==5", "p4"),
    ("ok", 'noSuch!="a"', ""),
    ("ok", 'geoCity!="Hugo"', ""),
    ("ok", "occ==true", "s1"),
    ("ok", "opened==2024-02-29", "s1"),
    ("ok", "opened<2024-02-29", "s2"),
    ("ok", "opened>=2020-01-01", "s1 s2"),
    ("ok", 'dis<"B"', "s1"),
    ("ok", 'dis>="B"', "s2"),
]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [pytest.param(*case[1:], id=f"{case[0]} {case[1]}") for case in CASES],
)
def test_filter(store: StorageAdapter, filter: str, expected: str) -> None:
    store.load_entities(building())
    assert found(store, filter) == expected.split()


COUNT = 52_000


def _many() -> Iterator[dict[str, Any]]:
    for index in range(COUNT):
        yield {"id": Ref(f"n{index}"), "dis": f"P{index:05}", "tz": "Denver"}
    yield {"id": Ref("last"), "dis": "P99999", "site": MARKER, "v": Number(1)}


@pytest.mark.django_db
def test_23_no_scan_stops_after_some_thousand() -> None:
    """Once, on SQLite: the same rows on each store would take minutes."""
    store = OrmAdapter()
    store.load_entities(_many())
    assert len(store.read('dis>="P50"')) == 2_001
    assert len(store.read("not tz->foo")) == COUNT + 1
    assert len(store.read("tz")) == COUNT
