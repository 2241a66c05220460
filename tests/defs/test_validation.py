"""Validation of entities."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.defs import Problem, problems, refs_in, shipped
from haystack_app.kinds import MARKER, NA, DateTime, Grid, Number, Ref, Symbol
from tests.defs.standard import needs_standard, with_standard

OTHERS: dict[str, dict[str, Any]] = {
    "s": {"id": Ref("s"), "site": MARKER},
    "e": {"id": Ref("e"), "equip": MARKER, "siteRef": Ref("s")},
    "ahu": {"id": Ref("ahu"), "ahu": MARKER, "siteRef": Ref("s")},
    "ws": {"id": Ref("ws"), "weatherStation": MARKER},
    "gone": {"id": Ref("gone"), "equip": MARKER, "trash": MARKER},
}
EQUIP = {"equip": MARKER, "siteRef": Ref("s")}
POINT = {"point": MARKER, "siteRef": Ref("s"), "kind": "Number"}


def marked(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), MARKER)


def checked(record: dict[str, Any]) -> list[Problem]:
    whole = {"id": Ref("x"), **record}
    return list(problems(whole, shipped(), {**OTHERS, "x": whole}.get))


def found(record: dict[str, Any]) -> set[tuple[str, str]]:
    """(severity, tag) of each problem."""
    return {(problem.severity, problem.tag) for problem in checked(record)}


def message(record: dict[str, Any]) -> str:
    [problem] = checked(record)
    return f"{problem.severity} {problem.id} {problem.tag}: {problem.message}"


@pytest.mark.parametrize(
    "record",
    [
        {"site": MARKER, "area": Number(5, "m²"), "tz": "New_York", "dis": "A"},
        {"site": MARKER, "area": Number(5), "geoCity": "A", "yearBuilt": Number(1990)},
        {**EQUIP, "ahu": MARKER, "equipRef": Ref("e")},
        {**EQUIP, "airRef": [Ref("e"), Ref("ahu")]},
        {**POINT, **marked("discharge air temp sensor"), "unit": "°F"},
        {**POINT, **marked("delta air temp sensor"), "unit": "Δ°F"},
        {**POINT, **marked("his cur writable"), "tz": "London", "unit": "_custom"},
        {**POINT, "curVal": Number(5, "kW"), "unit": "kilowatt"},
        {**POINT, "curVal": NA, "writeVal": Number(5), "unit": "kW"},
        {**POINT, "kind": "Str", "curVal": "a", "enum": "a,b"},
        {**POINT, **marked("fan speed cmd"), "unit": "%"},
        {**POINT, **marked("elec reactive power sensor"), "unit": "kVAR"},
        {**POINT, **marked("co2 concentration sensor"), "unit": "ppm"},
        {"point": MARKER, "kind": "Bool", "weatherStationRef": Ref("ws")},
        {"network": MARKER},
        {"dis": None, "site": MARKER, "area": None},
    ],
)
def test_valid_records(record: dict[str, Any]) -> None:
    assert checked(record) == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"equip": MARKER}, "error x siteRef: missing on an equip"),
        (
            {"point": MARKER, "kind": "Bool"},
            "error x siteRef: missing on a point",
        ),
        (
            {"ahu": MARKER, "siteRef": Ref("s")},
            "error x equip: missing, but ^ahu is a subtype of ^equip",
        ),
        (
            {**POINT, **marked("ahu sp")},
            "warning x equip: missing, but ^ahu is a subtype of ^equip",
        ),
        ({**POINT, "kind": None}, "error x kind: missing on a point"),
        ({**POINT, "kind": "Float"}, 'error x kind: unknown kind "Float"'),
        ({**POINT, "his": MARKER}, "error x tz: missing on a point with history"),
        (
            {**POINT, "his": MARKER, "tz": "America/New_York"},
            "error x tz: unknown time zone 'America/New_York'",
        ),
        ({**POINT, "unit": "zork"}, 'error x unit: unknown unit "zork"'),
        (
            {**POINT, "kind": "Bool", "curVal": Number(1)},
            "error x curVal: must be a Bool, not Number",
        ),
        (
            {**POINT, "unit": "°F", "curVal": Number(5, "°C")},
            "error x curVal: must be in °F, like the point, not in °C",
        ),
        (
            {**EQUIP, "mapColor": "red"},
            "warning x mapColor: unknown tag: there is no def of this name",
        ),
        (
            {"site": MARKER, "area": "big"},
            "error x area: must be a Number, not Str",
        ),
        ({**EQUIP, "ahu": True}, "error x ahu: must be a Marker, not Bool"),
        (
            {"site": MARKER, "area": Number(5, "kW")},
            "error x area: kW measures power, not area",
        ),
        (
            {**POINT, **marked("air temp sensor"), "unit": "kW"},
            "error x unit: kW measures power, not temperature",
        ),
        (
            {**POINT, **marked("fan speed sensor"), "unit": "%"},
            "warning x unit: % measures dimensionless, not velocity",
        ),
        (
            {**POINT, **marked("level sensor"), "unit": "m"},
            "warning x unit: m measures length, not dimensionless",
        ),
        (
            {"equip": MARKER, "siteRef": Ref("no")},
            "error x siteRef: @no not found",
        ),
        ({"equip": MARKER, "siteRef": Ref("e")}, "error x siteRef: @e is not a site"),
        ({**EQUIP, "equipRef": Ref("s")}, "error x equipRef: @s is not an equip"),
        ({**EQUIP, "airRef": Ref("s")}, "warning x airRef: @s is not an equip"),
        (
            {**EQUIP, "equipRef": Ref("gone")},
            "warning x equipRef: @gone is in the trash",
        ),
    ],
)
def test_single_problem(record: dict[str, Any], expected: str) -> None:
    assert message(record) == expected


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("dis", 5),
        ("siteRef", "s"),
        ("siteRef", [Ref("s"), "s"]),
        ("mod", dt.date(2024, 1, 1)),
        ("geoCoord", "1,2"),
        ("curVal", [Number(1)]),
        ("curVal", {"a": MARKER}),
        ("curVal", Grid()),
        ("his", NA),
        ("enum", MARKER),
    ],
)
def test_wrong_kinds(tag: str, value: Any) -> None:
    value = Number(value) if isinstance(value, int) else value
    assert ("error", tag) in found({"id": Ref("x"), tag: value})


def test_any_value_is_accepted() -> None:
    at = DateTime(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "UTC")
    for value in (True, "a", Number(1), Symbol("a"), at, dt.time(1), NA):
        assert checked({"hisEndVal": value}) == []
    assert checked({"enum": ["a"]}) == checked({"enum": {"a": MARKER}}) == []
    assert checked({"mod": at}) == []


@pytest.mark.parametrize("value", [MARKER, Number(2), Number(2, "kW")])
def test_a_tag_that_is_a_marker_or_has_a_value(value: Any) -> None:
    collecting = {**POINT, "his": MARKER, "tz": "UTC", "unit": "kW"}
    assert checked({**collecting, "hisCollectCov": value}) == []
    assert message({**collecting, "hisCollectCov": [value]}).endswith("not List")


def test_record_with_several_problems() -> None:
    record = {**marked("point his temp odd"), "unit": "kW", "siteRef": [Ref("no")]}
    assert found(record) == {
        *(("error", "kind"), ("error", "tz"), ("error", "unit")),
        *(("error", "siteRef"), ("warning", "odd")),
    }


def test_refs_anywhere_inside() -> None:
    inner = {"b": Ref("no"), "c": [{"d": Ref("s")}, Ref("nor")]}
    assert [(path, ref.id) for path, ref in refs_in(inner, "a")] == [
        ("a.b", "no"),
        ("a.c.d", "s"),
        ("a.c", "nor"),
    ]
    assert {("error", "a.b"), ("error", "a.c")} < found({"a": inner})
    assert ("error", "a.c.d") not in found({"a": inner})


@needs_standard
def test_validation_by_the_standard_libraries() -> None:
    record = {"id": Ref("x"), **EQUIP, **marked("vav hotWaterHeating"), "design": {}}
    by_id = {**OTHERS, "x": record}.get
    [problem] = problems(record, with_standard(), by_id)
    assert (problem.tag, problem.message) == ("design", "must be a Marker, not Dict")
