"""The memory store tests few entities that do not match a path."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app import filters
from haystack_app.kinds import MARKER, DateTime, Ref
from haystack_app.storage.memory import InMemoryAdapter

SITES = 20
POINTS = 10


def records() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for site in range(SITES):
        here, equip = Ref(f"site{site}"), Ref(f"equip{site}")
        found.append({"id": here, "site": MARKER, "geoCity": f"City{site}"})
        found.append({"id": equip, "equip": MARKER, "siteRef": here})
        for number in range(POINTS):
            found.append(
                {
                    "id": Ref(f"point{site}-{number}"),
                    "point": MARKER,
                    "siteRef": here,
                    "equipRef": equip,
                    "sites": [here, Ref("gone")],
                    "inner": {"siteRef": here} if site == 3 else MARKER,
                    "began": DateTime(dt.datetime(2000 + site, 1, 1, tzinfo=dt.UTC))
                    if site == 3
                    else "never",
                }
            )
    return found


@pytest.mark.parametrize(
    "filter",
    [
        'point and siteRef->geoCity == "City3"',
        'point and equipRef->siteRef->geoCity == "City3"',
        'point and equipRef->siteRef->id->geoCity == "City3"',
        'sites->geoCity == "City3"',
        'inner->siteRef->geoCity == "City3"',
        "began->date == 2003-01-01",
        'point and (siteRef->geoCity == "City3" or siteRef->geoCity == "gone")',
    ],
)
def test_only_matches_are_tested(filter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = InMemoryAdapter(records())
    tested: list[Any] = []
    matches = filters.matches

    def counted(tree: Any, record: Any, resolve: Any) -> bool:
        tested.append(record)
        return matches(tree, record, resolve)

    monkeypatch.setattr(filters, "matches", counted)
    assert len(store.read(filter)) == POINTS
    assert len(tested) == POINTS


def test_paths_follow_changes() -> None:
    store = InMemoryAdapter(records())
    store.load_entities([{"id": Ref("site3"), "site": MARKER, "geoCity": "Moved"}])
    assert len(store.read('point and siteRef->geoCity == "City3"')) == 0
    assert len(store.read('point and siteRef->geoCity == "Moved"')) == POINTS
