"""Documents as other software writes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Coord, DateTime, Number, Ref, XStr
from haystack_app.wire import (
    hayson_reader,
    json3_reader,
    json3_writer,
    zinc_reader,
    zinc_writer,
)
from haystack_app.wire.errors import ParseError

# -- Zinc ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ('c:"x"d', {"c": "x", "d": MARKER}),
        ('c:"x"d:5 e', {"c": "x", "d": Number(5), "e": MARKER}),
        ("a:`u`b", {"b": MARKER}),
        ("a:[1,2]b:{x}c", {"b": {"x": MARKER}, "c": MARKER}),
        ('r:@a "A"s', {"r": Ref("a"), "s": MARKER}),
        ("p:C(1,2)q", {"p": Coord(1, 2), "q": MARKER}),
    ],
)
def test_meta_without_a_blank_after_a_value(
    meta: str, expected: dict[str, Any]
) -> None:
    grid = zinc_reader.read_grid(f'ver:"3.0" {meta}\na {meta},b\n1,2\n')
    for found in (grid.meta, grid.cols[0].meta):
        assert {name: found[name] for name in expected} == expected
    assert zinc_reader.read_grid('ver:"3.0"m\na\n').meta == {"m": MARKER}


@pytest.mark.parametrize("meta", ["a:5b:6", "a:@x:yb.c,d", "a:T!"])
def test_meta_that_cannot_be_separated(meta: str) -> None:
    with pytest.raises(ParseError):
        zinc_reader.read_grid(f'ver:"3.0" {meta}\na\n')


@pytest.mark.parametrize(
    "mime",
    ["text/plain", 'text/html; a=foo; bar="sep"', 'a/b; c="d)e"', "*/*"],
)
def test_a_bare_bin(mime: str) -> None:
    grid = zinc_reader.read_grid(f'ver:"2.0"\na,b\nBin({mime}),1\n')
    assert list(grid) == [{"a": XStr("Bin", mime), "b": Number(1)}]


@pytest.mark.parametrize("mime", ["text/plain", "text/plain; charset=utf-8"])
def test_a_quoted_bin(mime: str) -> None:
    assert zinc_reader.read_value(f'Bin("{mime}")') == XStr("Bin", mime)


@pytest.mark.parametrize(
    ("coord", "text"),
    [
        (Coord(-0.5, 0.000001), "-0.5,0.000001"),
        (Coord(1e-7, -1.5e-300), None),
        (Coord(-90, 180), "-90,180"),
        (Coord(37.123456789012345, -0.0), None),
    ],
)
def test_coordinates_have_no_exponent(coord: Coord, text: str | None) -> None:
    for written, read in (
        (zinc_writer.value_text(coord), zinc_reader.read_value),
        (json3_writer.dump(coord), json3_reader.read_value),
    ):
        assert "e" not in written.lower().removeprefix('"c:')
        assert text is None or text in written
        assert read(written) == coord


# -- JSON ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"_kind":"Ref","val":"a"}', Ref("a")),
        ('{"_kind":"Marker"}', MARKER),
        ('{"_kind":"Number","val":5,"unit":"kW"}', Number(5, "kW")),
        (
            '{"_kind":"DateTime","val":"2024-01-01T00:00:00Z","tz":"UTC"}',
            DateTime(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        ),
        ('{"_kind":"Dict","a":1}', {"a": Number(1)}),
        ('{"_kind":"XStr","type":"Foo","val":"x"}', XStr("Foo", "x")),
    ],
)
def test_a_kind_with_a_capital(text: str, expected: Any) -> None:
    assert hayson_reader.read_value(text) == expected
    grid = hayson_reader.read_grid(
        f'{{"_kind":"Grid","cols":[{{"name":"a"}}],"rows":[{{"a":{text}}}],'
        '"meta":{"ver":"3.0"}}'
    )
    assert list(grid) == [{"a": expected}]


@pytest.mark.parametrize("kind", ["REF", "dateTIME", "", "Nothing"])
def test_other_spellings_of_a_kind(kind: str) -> None:
    with pytest.raises(ParseError, match="unknown _kind"):
        hayson_reader.read_value(f'{{"_kind":"{kind}","val":"a"}}')


# -- digits that are not kept -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("23:59:59.9999", dt.time(23, 59, 59, 999_900)),
        ("23:59:59.9999999", dt.time(23, 59, 59, 999_999)),
        ("00:00:00.0000019", dt.time(0, 0, 0, 2)),
        ("08:12:05.123456789", dt.time(8, 12, 5, 123_457)),
        (
            "9999-12-31T23:59:59.9999999Z",
            DateTime(dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, dt.UTC)),
        ),
        (
            "2024-12-31T23:59:59.999999999Z UTC",
            DateTime(dt.datetime(2024, 12, 31, 23, 59, 59, 999_999, dt.UTC)),
        ),
    ],
)
def test_more_digits_of_a_time_are_cut(text: str, expected: Any) -> None:
    assert zinc_reader.read_value(text) == expected
