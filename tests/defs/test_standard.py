"""The standard libraries, and results of the reference server that depend on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from haystack_app.defs import Namespace, read_libraries, shipped
from haystack_app.kinds import MARKER, Symbol
from haystack_app.wire import hayson_reader
from tests.defs.standard import (
    SHARED,
    SOURCES,
    needs_standard,
    standard,
    with_standard,
)

pytestmark = needs_standard

_CONFORMANCE = SHARED / "conformance" / "filters.json"


def conformance() -> dict[str, Any]:
    if not _CONFORMANCE.is_file():
        return {"cases": [], "dicts": []}
    suite: dict[str, Any] = json.loads(_CONFORMANCE.read_text("utf-8"))
    return suite


SUITE = conformance()
CASES = [
    case
    for case in SUITE["cases"]
    # relationships (inputs? and the like) are not supported
    if case.get("requires") == "defs" and case["filter"].startswith("^")
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
@pytest.mark.parametrize("namespace", [standard, with_standard, shipped])
def test_matches_equal_the_reference(
    namespace: Callable[[], Namespace], case: dict[str, Any]
) -> None:
    """By ``implementations`` of the symbol and by ``implemented`` of each record."""
    symbol = case["filter"].removeprefix("^")
    sets = namespace().implementations(symbol)
    records = [hayson_reader.decode(record) for record in SUITE["dicts"]]
    found = {
        record["id"].id
        for record in records
        if any(tags <= record.keys() for tags in sets)
    }
    assert found ^ set(case["ids"]) <= set(case["may"])
    if ":" not in symbol:
        reflected = {
            record["id"].id
            for record in records
            if symbol in namespace().implemented(record)
        }
        assert reflected == found


def test_libraries() -> None:
    libraries = read_libraries([SOURCES])
    assert set(libraries) == {"lib:ph", "lib:phIct", "lib:phIoT", "lib:phScience"}
    assert {len(defs) > 40 for defs in libraries.values()} == {True}
    for lib, records in libraries.items():
        assert {record["lib"] for record in records} == {Symbol(lib)}


def test_extensions_are_in_their_defs() -> None:
    tz = standard().get("tz")
    assert tz is not None and tz["lib"] == Symbol("lib:ph")
    assert set(tz["tagOn"]) == {
        *(Symbol("site"), Symbol("point")),
        Symbol("weatherStation"),
    }


def test_equipment() -> None:
    tags = dict.fromkeys(("hot", "water", "plant", "equip"), MARKER)
    assert {
        *("hot-water-plant", "plant", "equip", "entity"),
        *("hot-water", "hot-water-output", "substance"),
    } <= set(standard().implemented(tags))
    assert frozenset({"rtu"}) in standard().implementations("equip")


def test_shipped_library_agrees_with_the_standard() -> None:
    """Symbols in both have no supertype here that the standard does not declare."""
    for record in shipped():
        symbol = record["def"].name
        if symbol in standard():
            ours = set(shipped().supertypes(symbol))
            assert ours <= set(standard().supertypes(symbol)), symbol


def test_docs_are_not_copied_from_the_standard() -> None:
    theirs = {record.get("doc") for record in standard()}
    assert not [record["def"] for record in shipped() if record["doc"] in theirs]
