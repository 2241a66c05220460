"""The library that is shipped with the app."""

from __future__ import annotations

from haystack_app import demo
from haystack_app.defs import Def, problems, shipped
from haystack_app.defs.records import symbols_in
from haystack_app.defs.values import KINDS, kind_of_def
from haystack_app.kinds import MARKER, Symbol
from haystack_app.kinds.transient import TRANSIENT
from haystack_app.kinds.units import UNITS
from haystack_app.ops import all_ops

_NAMING = ("is", "tagOn", "of", "quantityOf", "containedBy", "depends")
_ROOTS = {"marker", "val", "feature"}


def test_every_def_is_complete() -> None:
    assert len(shipped()) > 100
    for record in shipped():
        symbol = record["def"].name
        assert record["lib"] == Symbol("lib:hs"), symbol
        assert record["doc"].endswith("."), symbol
        supertypes = set(shipped().supertypes(symbol))
        assert symbol in _ROOTS or supertypes & _ROOTS, symbol
        for tag in _NAMING:
            for name in symbols_in(record.get(tag)):
                assert name in shipped(), f"{symbol}: {tag} names ^{name}"


def test_tags_of_defs_are_defs() -> None:
    used = {tag for record in shipped() for tag in record}
    assert {tag for tag in used if tag not in shipped()} == set()


def test_units() -> None:
    units = [unit for record in shipped() for unit in record.get("prefUnit", ())]
    assert units and {unit for unit in units if unit not in UNITS} == set()


def test_kinds() -> None:
    assert {kind for kind in KINDS.values() if kind not in shipped()} == set()


def test_ops_are_those_of_the_server() -> None:
    for entry in all_ops():
        record: Def | None = shipped().get(f"op:{entry.name}")
        assert record is not None, f"missing def of op:{entry.name} in library/ops.trio"
        safe = record.get("noSideEffects") is MARKER
        assert safe is not entry.side_effects, entry.name


def test_transient_tags_are_those_of_the_store() -> None:
    marked = {
        record["def"].name
        for record in shipped()
        if "transient" in record and record["def"].name != "mod"
    }
    assert marked == TRANSIENT
    assert {kind_of_def(tag, shipped()) for tag in TRANSIENT} >= {"scalar", "str"}


def test_demo_has_no_errors() -> None:
    records = {record["id"].id: record for record in demo.entities()}
    found = [
        problem
        for record in records.values()
        for problem in problems(record, shipped(), records.get)
        if problem.severity == "error"
    ]
    assert found == []
