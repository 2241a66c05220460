"""The demo against the defs of its tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from haystack_app import demo
from haystack_app.defs import Namespace, problems, shipped
from tests.defs.standard import needs_standard, with_standard

Tags = dict[str, Any]
BY_DEFS = pytest.mark.parametrize(
    "defs", [shipped, pytest.param(with_standard, marks=needs_standard)]
)
OF_ITS_OWN = {
    "addr",
    "ahuRefs",
    "campusSiteRefs",
    "commissioned",
    "contact",
    "critical",
    "designData",
    "ductType",
    "floorPlans",
    "heatLossRating",
    "installed",
    "lastInspection",
    "mapColor",
    "model",
    "occEnd",
    "occSchedule",
    "occStart",
    "publicAccess",
    "servesRefs",
}
"""Tags without a def, which the demo has for the kinds of their values."""
NOT_SHIPPED = {"centrifugal"}
"""Standard tags that are not in ``lib:hs``."""


@pytest.fixture(scope="module")
def records() -> dict[str, Tags]:
    return {record["id"].id: record for record in demo.entities()}


@BY_DEFS
def test_only_custom_tags_are_unknown(
    records: dict[str, Tags], defs: Callable[[], Namespace]
) -> None:
    found = [
        problem
        for record in records.values()
        for problem in problems(record, defs(), records.get)
    ]
    unknown = {one.tag for one in found if "unknown tag" in one.message}
    assert [one for one in found if "unknown tag" not in one.message] == []
    beyond = NOT_SHIPPED if defs is shipped else set()
    assert unknown == OF_ITS_OWN | beyond


@BY_DEFS
def test_points_do_not_match_equip_symbols(
    records: dict[str, Tags], defs: Callable[[], Namespace]
) -> None:
    for record in records.values():
        if "point" in record:
            others = {"equip", "space", "site", "device"}
            assert not others & set(defs().implemented(record)), record["id"]


@BY_DEFS
@pytest.mark.parametrize(
    ("symbol", "count"),
    [
        ("ahu", 8),
        ("vav", 80),
        ("hot-water-boiler", 8),
        ("chilled-water-plant", 4),
        ("hvac-zone-space", 80),
        ("hvacMode", 88),
        ("weatherCond", 2),
    ],
)
def test_symbols_match_the_right_records(
    records: dict[str, Tags], defs: Callable[[], Namespace], symbol: str, count: int
) -> None:
    sets = defs().implementations(symbol)
    found = [r for r in records.values() if any(one <= r.keys() for one in sets)]
    assert len(found) == count


@needs_standard
def test_every_chiller_has_a_mechanism(records: dict[str, Tags]) -> None:
    chillers = [record for record in records.values() if "chiller" in record]
    assert len(chillers) == 8
    for record in chillers:
        assert "chillerMechanism" not in record
        assert "chillerMechanism" in with_standard().implemented(record)
