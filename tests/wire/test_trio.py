"""Trio reader: forms of values, records, blocks."""

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
from haystack_app.wire import trio_reader
from haystack_app.wire.errors import ParseError
from tests.strategies import canonical

UTC = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)

# -- values ---------------------------------------------------------------------

VALUES: list[tuple[str, Any]] = [
    ("5", Number(5)),
    ("-3.5kW", Number(-3.5, "kW")),
    ("5hour", Number(5, "hr")),
    ("1e3", Number(1000)),
    ("1.5e-10kWh", Number(1.5e-10, "kWh")),
    ("12.5$", Number(12.5, "$")),
    ("-INF", Number(float("-inf"))),
    ("INF", Number(float("inf"))),
    ("NaN", Number(float("nan"))),
    ("NA", NA),
    ("R", REMOVE),
    ("true", True),
    ("false", False),
    ("T", True),
    ("F", False),
    ("M", "M"),
    ("N", "N"),
    ("True", "True"),
    ("5 // x", "5 // x"),
    ("5 apples", "5 apples"),
    ("- item", "- item"),
    ("a // b", "a // b"),
    ("2024-02-29", dt.date(2024, 2, 29)),
    ("2024-13-99", "2024-13-99"),
    ("2023-02-29", "2023-02-29"),
    ("2024-06-01T12:00:00Z", DateTime(UTC)),
    ("2024-06-01T12:00:00Z UTC", DateTime(UTC)),
    ("2024-06-01T08:00:00-04:00 New_York", DateTime(UTC, "New_York")),
    ("2024-06-01T08:00:00-04:00", "2024-06-01T08:00:00-04:00"),
    ("2024-06-01T25:00:00Z", "2024-06-01T25:00:00Z"),
    ("08:30:00", dt.time(8, 30)),
    ("8:30", dt.time(8, 30)),
    ("8:30pm", "8:30pm"),
    ("25:00:00", "25:00:00"),
    ('"a\\n\\$5"', "a\n$5"),
    ('"5"', "5"),
    ('""', ""),
    ("`http://x/ y`", Uri("http://x/ y")),
    ("`a\\`b`", Uri("a`b")),
    ("@a", Ref("a")),
    ('@a "Dis // x"', Ref("a", "Dis // x")),
    ("^hot-water", Symbol("hot-water")),
    ("C(37.5,-77.4)", Coord(37.5, -77.4)),
    ('Color("red")', XStr("Color", "red")),
    ("[1, 2,]", [Number(1), Number(2)]),
    ("[]", []),
    ('{x:1, y:"}"}', {"x": Number(1), "y": "}"}),
    ("{}", {}),
    ("any, other: text!", "any, other: text!"),
    ("<<", "<<"),
    ("été", "été"),
    ("²", "²"),
    ("\u00a0x\u00a0", "\u00a0x\u00a0"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
@pytest.mark.parametrize("form", ["tag:{}", "tag: {}", "tag :\t{} \t", "tag:{}\r\n"])
def test_values(form: str, text: str, value: Any) -> None:
    found = trio_reader.read_dict(form.format(text))["tag"]
    assert type(found) is type(value)
    assert canonical(found) == canonical(value)
    assert canonical(trio_reader.read_value(text)) == canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        *["5bogus", "5..5", "10.0.0.1", "12345678-12345678", "-", "-x", "5\tkW"],
        *['"x', '"', '"x" y"', '"x" // y', '"\\q"', "`x", "`x` y", "[1,2", "[1,,2]"],
        *["[1] x", "{x", "{X}", "{x} // y", "@", "@a b", "@a/b", "^", "^Site", "^a b"],
        *["foo(bar)", "Text (in brackets)", "C(91,0)", 'color("red")', "Note:"],
    ],
)
def test_malformed_values(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        trio_reader.read_dicts(f"a\nb: {text}\n")
    assert caught.value.position == "line 2"
    assert caught.value.message.startswith("b: ")


# -- records --------------------------------------------------------------------

A, B, C = {"a": MARKER}, {"b": MARKER}, {"c": MARKER}


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("", []),
        ("\n\n", []),
        ("---\n---\n", []),
        ("a", [A]),
        ("a\n", [A]),
        ("\ufeffa\r\n", [A]),
        ("a \n", [A]),
        ("a\n-\nb", [A, B]),
        ("---\na\n---\n---\nb\n---\n", [A, B]),
        ("------ a comment, if you like\na\n-b\nc", [A, C]),
        ("\n\n\na\n\n\nb\n", [A | B]),
        ("// a comment\na\n//b\n//\nc\n", [A | C]),
        ("a\r---\rb", [A, B]),
        ("a\n \t \n---\n  \nb", [A, B]),
        ("  a: 5", [{"a": Number(5)}]),
    ],
)
def test_records(text: str, records: list[Any]) -> None:
    assert trio_reader.read_dicts(text) == records
    assert list(trio_reader.read_grid(text).rows) == records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", 'duplicate tag "a"'),
        ("b\na: 2024-06-01T12:00:00Z Nowhere", "a: unknown time zone 'Nowhere'"),
        ("a\na", 'duplicate tag "a"'),
        ("a\nFoo: 1", 'invalid tag name "Foo"'),
        ("a\nfoo bar", 'invalid tag name "foo bar"'),
        ("a\n: 5", 'invalid tag name ""'),
        ("a\n  // b", "invalid tag name"),
        ("a: 5\n  b", "invalid tag name"),
        ("a\né: 1", 'invalid tag name "é"'),
    ],
)
def test_invalid_records(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        trio_reader.read_dicts(text)
    assert caught.value.position == "line 2"


def test_one_record() -> None:
    assert trio_reader.read_dict("a\n---\n") == A
    for text in ("", "a\n---\nb"):
        with pytest.raises(ParseError, match="expected one record"):
            trio_reader.read_dict(text)


def test_columns_of_a_grid() -> None:
    found = trio_reader.read_grid("z\nid:@x\n---\nmod\na\n")
    assert found.names == ["id", "a", "z", "mod"]
    assert trio_reader.read_grid("").names == ["empty"]


# -- blocks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ("  one\n  two\n", "one\ntwo"),
        ("    one\n  two\n", "  one\ntwo"),
        ("\tone\n\t\ttwo\n", "one\n\ttwo"),
        (" one\n\n\n two\n", "one\n\n\ntwo"),
        ("  one\n  \n", "one\n"),
        ("  one\n\n\n", "one\n\n"),
        ("\n\n  one\n", "one"),
        ("  one  \t\n  two\n", "one\ntwo"),
        ("  one\r\n  two\r\n", "one\ntwo"),
        ("  one: 5\n  // two\n  ---\n", "one: 5\n// two\n---"),
        ('  "quoted"\n', '"quoted"'),
        ("  é\u00a0\n", "é\u00a0"),
        ("", ""),
        ("\n", ""),
    ],
)
def test_blocks_of_text(block: str, value: str) -> None:
    """The common indent is removed; inner blank lines and other indents are kept."""
    for end, more in (("", {}), ("---\nb\n", {}), ("b\n", B), ("// x\nb\n", B)):
        [found, *_] = trio_reader.read_dicts(f"a:\n{block}{end}")
        assert found == {"a": value, **more}


def test_a_block_of_zinc() -> None:
    text = 'a: Zinc:\n  ver:"3.0" m\n  x,y\n  1,"a"\n  ,\n\nb: Zinc:\n  {x:[1]}\nc\n'
    found = trio_reader.read_dict(text)
    grid = Grid([Col("x"), Col("y")], [{"x": Number(1), "y": "a"}, {}], {"m": MARKER})
    assert canonical(found["a"]) == canonical(grid)
    assert (found["b"], found["c"]) == ({"x": [Number(1)]}, MARKER)


def test_a_block_of_trio() -> None:
    text = "a:Trio:\n  x: 1\n  y:\n    one\n\n    two\n  z: Trio:\n    deep\n  w\nb\n"
    assert trio_reader.read_dict(text) == {
        "a": {
            "x": Number(1),
            "y": "one\n\ntwo",
            "z": {"deep": MARKER},
            "w": MARKER,
        },
        "b": MARKER,
    }


def test_a_list_of_many_lines() -> None:
    text = """a: [
  {x:1 m},
  // not this
     "// but this",
  [
    `http://x/`,
  ]
  ]
b"""
    assert trio_reader.read_dict(text) == {
        "a": [
            {"x": Number(1), "m": MARKER},
            "// but this",
            [Uri("http://x/")],
        ],
        "b": MARKER,
    }


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("a: Zinc:\nb", "line 2"),
        ('a: Zinc:\n  ver:"3.0"\n  x\n  5bogus\n', "line 2"),
        ("a: Trio:\nb", "line 2"),
        ("a: Trio:\n  x\n  ---\n  y\n", "line 2"),
        ("a: Trio:\n\n  x\n  x\n", "line 4"),
        ("a: [\n  1\nb", "line 2"),
        ("a: [\n  1] 2\n", "line 2"),
    ],
)
def test_faults_in_blocks(text: str, position: str) -> None:
    with pytest.raises(ParseError) as caught:
        trio_reader.read_dicts(text)
    assert caught.value.position == position
