"""JSON 3: the codes of its strings, and the shape of its grids."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import (
    MARKER,
    NA,
    REMOVE,
    Col,
    Coord,
    DateTime,
    Grid,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.wire import json3_reader, json3_writer, limits
from haystack_app.wire.errors import ParseError
from tests.strategies import canonical

UTC = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)

BOTH_WAYS: list[tuple[str, Any]] = [
    ("null", None),
    ("true", True),
    ('"m:"', MARKER),
    ('"z:"', NA),
    ('"-:"', REMOVE),
    ('"n:5"', Number(5)),
    ('"n:-3.5 kW"', Number(-3.5, "kW")),
    ('"n:45 %"', Number(45, "%")),
    ('"n:7 _custom"', Number(7, "_custom")),
    ('"n:INF"', Number(float("inf"))),
    ('"n:-INF"', Number(float("-inf"))),
    ('"n:NaN"', Number(float("nan"))),
    ('""', ""),
    ('"hello"', "hello"),
    ('"$5 [x]"', "$5 [x]"),
    ('"s:a:b"', "a:b"),
    ('"s::"', ":"),
    ('"s:ab:cd"', "ab:cd"),
    ('"s:m:"', "m:"),
    ('"u:http://x/?a=b#c"', Uri("http://x/?a=b#c")),
    ('"r:a"', Ref("a")),
    ('"r:a RTU #3"', Ref("a", "RTU #3")),
    ('"r:a B: c"', Ref("a", "B: c")),
    ('"r:a  two"', Ref("a", " two")),
    ('"y:hot-water"', Symbol("hot-water")),
    ('"y:lib:ph"', Symbol("lib:ph")),
    ('"d:2024-02-29"', dt.date(2024, 2, 29)),
    ('"h:08:30:00"', dt.time(8, 30)),
    ('"h:08:30:00.5"', dt.time(8, 30, 0, 500_000)),
    ('"t:2024-06-01T12:00:00Z UTC"', DateTime(UTC)),
    ('"t:2024-06-01T08:00:00-04:00 New_York"', DateTime(UTC, "New_York")),
    ('"c:37.5,-77.4"', Coord(37.5, -77.4)),
    ('"c:-0.5,0.000001"', Coord(-0.5, 1e-6)),
    ('"x:Color:red"', XStr("Color", "red")),
    ('"x:Type:va:lue"', XStr("Type", "va:lue")),
    ('"x:Type:"', XStr("Type", "")),
    ('"b:text/plain"', XStr("Bin", "text/plain")),
    ('["n:1",null,["m:"]]', [Number(1), None, [MARKER]]),
    ('{"a":"n:1","d":{"k":"r:r"}}', {"a": Number(1), "d": {"k": Ref("r")}}),
    ("{}", {}),
]


@pytest.mark.parametrize(("text", "value"), BOTH_WAYS)
def test_values(text: str, value: Any) -> None:
    assert json3_writer.dump(value) == text
    found = json3_reader.read_value(text)
    assert type(found) is type(value)
    assert canonical(found) == canonical(value)


READ_ONLY: list[tuple[str, Any]] = [
    ("5", Number(5)),
    ("5.5", Number(5.5)),
    ('"n:10_000"', Number(10_000)),
    ('"n:1.0E13"', Number(1e13)),
    ('"n:5 hour"', Number(5, "hr")),
    ('"s:hello"', "hello"),
    ('"ab:cd"', "ab:cd"),
    ('":"', ":"),
    ('"r:a "', Ref("a")),
    ('"h:7:05"', dt.time(7, 5)),
    ('"t:2024-06-01T12:00:00Z"', DateTime(UTC)),
    ('"x:Bin:a/b"', XStr("Bin", "a/b")),
    ('{"a":null,"b":1}', {"b": Number(1)}),
    ('{"meta":"x","cols":1}', {"meta": "x", "cols": Number(1)}),
    ('{"meta":{},"cols":[],"rows":null}', {"meta": {}, "cols": []}),
    ('\ufeff"x"', "x"),
]


@pytest.mark.parametrize(("text", "value"), READ_ONLY)
def test_other_forms_are_read(text: str, value: Any) -> None:
    assert canonical(json3_reader.read_value(text)) == canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        [
            "n:",
            "n:x",
            "n:5kW",
            "n:5/bogus",
            "n:/kW",
            "n:5//",
            "n:2024-01-01",
            "n:08:00",
            "n:١",
            "n:-",
        ],
        ["n:5 ", "n:5  kW", "n: 5", "n:5 kW ", "n:inf", "n:5 Bogus", "n:1e999"],
        [
            "r:",
            "r:a/b",
            "r:@a",
            "y:",
            "y:Site",
            "y:^a",
            "d:",
            "d:2024-13-01",
            "d:2024-1-1",
            "h:",
            "h:8",
            "h:25:00",
        ],
        ["t:", "t:2024-06-01", "t:2024-06-01T12:00:00Z ", "t:2024-06-01T12:00:00"],
        ["t:2024-06-01T08:00:00-04:00", "t:2024-06-01T08:00:00-04:00 America/New_York"],
        ["c:", "c:1", "c:1,2,3", "c:91,0", "c:0,181", "c:1,x"],
        ["c:1, 2", "c:nan,0", "x:", "x:Type", "x:type:a", "x::a"],
        ["m:x", "z:x", "-:x", "q:what", "1:30", "é:x", "N:5", " :x", "::"],
    ],
)
def test_invalid_strings(text: list[str]) -> None:
    for one in text:
        with pytest.raises(ParseError) as caught:
            json3_reader.read_value(json3_writer.dump(["", 1.0])[:-1] + f',"{one}"]')
        assert caught.value.position == "[2]"


GRID = Grid(
    [Col("a", {"unit": "kW", "dis": "A: col"}), Col("b")],
    [{"a": Number(1)}, {}, {"b": [Grid()]}],
    {"m": MARKER, "dis": "x"},
)


def test_a_grid() -> None:
    """Column meta is in the same object as the name; null cells are left out."""
    text = json3_writer.grid_text(GRID)
    assert text == (
        '{"meta":{"ver":"3.0","m":"m:","dis":"x"},'
        '"cols":[{"name":"a","unit":"kW","dis":"s:A: col"},{"name":"b"}],"rows":[\n'
        '{"a":"n:1"},\n{},\n'
        '{"b":[{"meta":{"ver":"3.0"},"cols":[{"name":"empty"}],"rows":[]}]}\n]}\n'
    )
    for found in (json3_reader.read_grid(text), json3_reader.read_value(text)):
        assert canonical(found) == canonical(GRID)
    assert canonical(json3_reader.read_value(json3_writer.dump(GRID))) == canonical(
        GRID
    )


def test_grid_written_by_other_implementations() -> None:
    text = """{"rows": [{"a": "n:1", "b": null}],
        "cols": [{"a2": null, "name": "a"}, {"name": "b"}],
        "meta": {"ver": "2.0", "x": null}}"""
    found = json3_reader.read_grid(text)
    assert (list(found.cols), list(found.rows)) == (
        [Col("a"), Col("b")],
        [{"a": Number(1)}],
    )
    assert found.meta == {}


@pytest.mark.parametrize("text", ["5", "[]", "{}", '"m:"', "null"])
def test_non_grid_is_rejected(text: str) -> None:
    with pytest.raises(ParseError, match="expected a grid"):
        json3_reader.read_grid(text)


def test_dicts() -> None:
    assert json3_reader.read_dict('{"a":"m:"}') == {"a": MARKER}
    for text in ("[]", json3_writer.grid_text(GRID)):
        with pytest.raises(ParseError, match="expected a dict"):
            json3_reader.read_dict(text)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 10)
    monkeypatch.setattr(limits, "MAX_DEPTH", 2)
    rows = '{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[%s]}'
    json3_reader.read_grid(rows % '{"a":1},{"a":1}')
    with pytest.raises(ParseError, match="more than 10 values") as caught:
        json3_reader.read_grid(rows % ",".join(['{"a":1}'] * 9))
    assert caught.value.position == "rows[3]"
    with pytest.raises(ParseError, match="more than 10 values"):
        json3_reader.read_value('[["a","b","c","d"],["a","b","c","d"]]')
    json3_reader.read_value("[[1]]")
    with pytest.raises(ParseError, match="nested deeper than 2"):
        json3_reader.read_value("[[[1]]]")
