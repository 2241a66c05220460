"""The tags that forms propose for a def."""

from __future__ import annotations

import pytest

from haystack_app.defs import Namespace, problems, shipped
from haystack_app.defs.proposals import ProposedTag, proposed_tags
from haystack_app.kinds import MARKER, Ref, Symbol
from haystack_app.kinds.scalars import Number


def named(symbol: str) -> dict[str, ProposedTag]:
    return {one.name: one for one in proposed_tags(shipped(), symbol)}


def test_a_subtype_has_the_markers_and_tags_of_its_supertypes() -> None:
    found = proposed_tags(shipped(), "rtu")
    assert [one.name for one in found if one.is_set] == ["rtu", "ahu", "equip"]
    assert [one.name for one in found if one.is_required] == [
        *("rtu", "ahu", "equip", "siteRef")
    ]
    names = named("rtu")
    assert names["ductConfig"].options[:2] == ("dualDuct", "singleDuct")
    assert (names["ductConfig"].kind, names["dis"].kind) == ("Choice", "Str")
    assert names["equipRef"].of == "equip"
    assert not names.keys() & {"id", "mod", "trash", "curVal", "area", "kind"}


def test_points_and_sites() -> None:
    point = named("point")
    assert point["kind"].is_required and point["siteRef"].is_required
    assert point["pointFunction"].options == ("cmd", "sensor", "sp")
    assert point["his"] == ProposedTag("his", "Marker", "The point has a history.")
    assert "curVal" not in point
    site = named("site")
    assert site["area"].units == ("m²", "ft²")
    assert (site["area"].kind, site["yearBuilt"].kind) == ("Number", "Number")
    assert not site.keys() & {"siteRef", "kind"}


def test_conjuncts_have_several_markers() -> None:
    assert [
        one.name for one in proposed_tags(shipped(), "cur-point") if one.is_set
    ] == [*("cur", "point")]


@pytest.mark.parametrize("symbol", ["site", "ahu", "point", "vav", "floor", "room"])
def test_what_is_required_is_valid(symbol: str) -> None:
    values = {
        "Ref": Ref("hall"),
        "Str": "Number",
        "Marker": MARKER,
        "Number": Number(1),
    }
    record = {
        one.name: values[one.kind]
        for one in proposed_tags(shipped(), symbol)
        if one.is_required
    }
    hall = {"id": Ref("hall"), "site": MARKER}
    found = problems({**record, "id": Ref("x")}, shipped(), {"hall": hall}.get)
    assert [one for one in found if one.severity == "error"] == []


def test_a_library_that_was_loaded() -> None:
    """Tags of another library, with supertypes that have no def."""
    mine = [
        {"def": Symbol("pod"), "is": [Symbol("equip"), Symbol("nothing")]},
        {"def": Symbol("podNum"), "is": Symbol("odd"), "tagOn": Symbol("pod")},
    ]
    found = proposed_tags(shipped().extended(mine), "pod")
    assert [one.name for one in found if one.is_set] == ["pod", "equip"]
    assert next(one.kind for one in found if one.name == "podNum") == "Str"
    assert proposed_tags(Namespace(), "x") == [
        ProposedTag("x", "Marker", is_required=True, is_set=True)
    ]
