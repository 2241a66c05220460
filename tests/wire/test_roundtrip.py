"""Every format reads back what it writes, and its errors have a position.

Features of a single format are tested in the module of its name; ``test_pairs``
converts between formats.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app import filters
from haystack_app.kinds import NA, Col, DateTime, Grid, Number, XStr
from haystack_app.kinds.series import Chunk, Series, instant_of, microseconds_of
from haystack_app.kinds.timezones import _index, zone_of
from haystack_app.kinds.units import UNITS
from haystack_app.wire import (
    csv_reader,
    hayson_reader,
    hayson_writer,
    json3_reader,
    json3_writer,
    trio_reader,
    trio_writer,
    zinc_reader,
    zinc_writer,
)
from haystack_app.wire.errors import ParseError
from haystack_app.wire.limits import MAX_DEPTH
from haystack_app.wire.samples import TimeTexts
from tests import strategies as pool
from tests.drawn import given_once
from tests.strategies import canonical

many = settings(max_examples=200, deadline=None, derandomize=True)
some = settings(max_examples=80, deadline=None, derandomize=True)
fewer = settings(max_examples=100, deadline=None, derandomize=True)

VALUES = {
    "zinc": (zinc_writer.value_text, zinc_reader.read_value),
    "hayson": (hayson_writer.dump, hayson_reader.read_value),
    "json3": (json3_writer.dump, json3_reader.read_value),
    "trio": (
        lambda value: trio_writer.dict_text({"tag": value}),
        lambda text: trio_reader.read_dict(text)["tag"],
    ),
}
GRIDS = {
    "zinc": (zinc_writer.grid_text, zinc_reader.read_grid),
    "hayson": (hayson_writer.grid_text, hayson_reader.read_grid),
    "json3": (json3_writer.grid_text, json3_reader.read_grid),
}
READERS: dict[str, Callable[[str], Any]] = {
    "zinc value": zinc_reader.read_value,
    "zinc grid": zinc_reader.read_grid,
    "hayson value": hayson_reader.read_value,
    "hayson grid": hayson_reader.read_grid,
    "json3 value": json3_reader.read_value,
    "json3 grid": json3_reader.read_grid,
    "trio value": trio_reader.read_value,
    "trio dict": trio_reader.read_dict,
    "trio grid": trio_reader.read_grid,
    "csv grid": csv_reader.read_grid,
    "filter": filters.parse,
}
TAKES_ANY_TEXT = {"trio value", "csv grid"}
"""Text that is not anything else is a Str, or a cell."""

value_formats = pytest.mark.parametrize("name", VALUES)
grid_formats = pytest.mark.parametrize("name", GRIDS)
wire_values = pool.values | pool.wire_texts


# -- values and grids -----------------------------------------------------------


@value_formats
@given_once(many, value=wire_values)
def test_values(name: str, value: Any) -> None:
    write, read = VALUES[name]
    text = write(value)
    found = read(text)
    assert type(found) is type(value)
    assert canonical(found) == canonical(value)
    assert write(found) == text


@grid_formats
@given_once(many, grid=pool.grids(wire_values))
def test_grids(name: str, grid: Grid) -> None:
    write, read = GRIDS[name]
    text = write(grid)
    found = read(text)
    assert canonical(found) == canonical(grid)
    assert found.names == grid.names
    assert write(found) == text


@given(grid=pool.grids(wire_values))
@some
def test_zinc_line_ends_and_spaces_do_not_matter(grid: Grid) -> None:
    text = zinc_writer.grid_text(grid)
    for other in (text.rstrip("\n"), text.rstrip("\n") + "\n", "\ufeff" + text):
        assert canonical(zinc_reader.read_grid(other)) == canonical(grid)


@given(grid=pool.grids(pool.scalars))
@some
def test_zinc_crlf(grid: Grid) -> None:
    text = zinc_writer.grid_text(grid).replace("\n", "\r\n")
    assert canonical(zinc_reader.read_grid(text)) == canonical(grid)


@value_formats
def test_every_unit_by_every_name(name: str) -> None:
    write, read = VALUES[name]
    for alias, unit in UNITS.items():
        for val in (5.0, -1.5, 1e22, 1e-7):
            number = Number(val, alias)
            assert number.unit == unit.symbol
            assert read(write(number)) == number
            assert zinc_reader.read_value(f"5{alias}") == Number(5, unit.symbol)


@value_formats
def test_every_zone(name: str) -> None:
    write, read = VALUES[name]
    for tz in _index().names:
        for year in (1850, 1960, 2024):
            value = DateTime(dt.datetime(year, 7, 1, 1, 2, 3, 400, dt.UTC), tz)
            assert read(write(value)) == value
            assert filters.parse(f"a == {zinc_writer.value_text(value)}").value == value


@pytest.mark.parametrize("type", ["T", "F", "N", "M", "R", "NA", "INF", "NaN", "C"])
@value_formats
def test_an_xstr_type_may_look_like_a_keyword(name: str, type: str) -> None:
    write, read = VALUES[name]
    value = XStr(type, "x")
    assert read(write(value)) == value
    if name in GRIDS:
        grid = Grid([Col("a", {"x": value})], [{"a": value}], {"x": [value]})
        assert canonical(GRIDS[name][1](GRIDS[name][0](grid))) == canonical(grid)


# -- errors ---------------------------------------------------------------------

FAULTS: dict[str, list[tuple[str, str]]] = {
    "zinc value": [
        ("[1,,2]", "column 4"),
        ("[,]", "column 2"),
        ("5bogus", "column 1"),
        ('"x', "column 1"),
        ('"\\q"', "column 2"),
        ("C(91,0)", "column 1"),
        ("{a:1 B:2}", "column 6"),
        ("2024-06-01T00:00:00-04:00 America/New_York", "column 1"),
        ("@a b", "column 4"),
    ],
    "zinc grid": [
        ("", "column 1"),
        ('ver:"4.0"\na\n', "line 1, column 5"),
        ('ver:"3.0"\na,a\n', "line 2, column 3"),
        ('ver:"3.0"\na,b\n1\n', "line 3, column 2"),
        ('ver:"3.0"\na\n1,2\n', "line 3, column 2"),
        ('ver:"3.0"\nA\n', "line 2, column 1"),
        ('ver:"3.0" a,b\nc\n', "line 1, column 12"),
        ('ver:"3.0"\na\n1\n\nmore\n', "line 5, column 1"),
        ('ver:"3.0"\na\n5bogus\n', "line 3, column 1"),
    ],
    "json3 value": [
        ("[1,", "line 1, column 4"),
        ('"n:5kW"', "the root"),
        ('["x","n:5 bogus"]', "[1]"),
        ('{"a":{"b":["m:","r:a/b"]}}', "a.b[1]"),
        ('{"A":1}', "the root"),
        ('{"a":"q:what"}', "a"),
    ],
    "json3 grid": [
        ('{"meta":{},"cols":[{"name":"a"}],"rows":[]}', "meta.ver"),
        ('{"meta":{"ver":"4.0"},"cols":[{"name":"a"}],"rows":[]}', "meta.ver"),
        ('{"meta":{"ver":"3.0","a":"n:"},"cols":[],"rows":[]}', "meta.a"),
        ('{"meta":{"ver":"3.0"},"cols":[],"rows":[]}', "cols"),
        ('{"meta":{"ver":"3.0"},"cols":{},"rows":[]}', "cols"),
        ('{"meta":{"ver":"3.0"},"cols":[{"name":"A"}],"rows":[]}', "cols[0]"),
        (
            '{"meta":{"ver":"3.0"},"cols":[{"name":"a"},{"name":"a"}],"rows":[]}',
            "cols[1]",
        ),
        (
            '{"meta":{"ver":"3.0"},"cols":[{"name":"a","u":"x:"}],"rows":[]}',
            "cols[0].u",
        ),
        ('{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[{"b":1}]}', "rows[0]"),
        (
            '{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[{},{"a":"c:1"}]}',
            "rows[1].a",
        ),
        ('{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[],"x":1}', "the root"),
        ('{"meta":{"ver":"3.0"},"cols":[{"name":"a"}]}', "the root"),
    ],
    "trio value": [
        ("5bogus", "line 1"),
        ("[1,2", "line 1"),
        ("5\n6", "line 2"),
        ('[\n  1,\n  "x,\n  ]', "line 2"),
    ],
    "trio grid": [
        ("Foo: 1", "line 1"),
        ("a\n\nb: 1\na: 2", "line 4"),
        ("a\n---\nb: 5bogus\n", "line 3"),
        ("a\n  b\n", "line 2"),
        ("a: foo(bar)", "line 1"),
        ('a: "x" // y', "line 1"),
        ("a: [1,2\n3]", "line 1"),
        ("a: Zinc:\n  ver\nb", "line 2"),
        ("a: Xml:\n  x", "line 1"),
        ("x\na: Trio:\n  b\n  c: {\n", "line 4"),
        ("x\na: Trio:\n  b\n  ---\n  c\n", "line 3"),
        ("x\n\ud800", "line 2, column 1"),
    ],
    "csv grid": [
        ("a,b\n1\n", "line 2"),
        ("a\n1\n2,3\n", "line 3"),
        ('a\n"1\n2\n', "line 3"),
        ('a\n"1"2\n', "line 2"),
        ("a\n\ud800", "line 2, column 1"),
    ],
    "hayson value": [
        ("[1,", "line 1, column 4"),
        ('[{"_kind":"ref","val":"a b"}]', "[0]"),
        ('{"a":{"b":[1,{"_kind":"no"}]}}', "a.b[1]"),
        ('{"a":{"_kind":"number","val":1,"unit":"bogus"}}', "a"),
    ],
    "hayson grid": [
        ('{"_kind":"grid","cols":[{"name":"A"}],"rows":[]}', "cols[0]"),
        ('{"_kind":"grid","cols":[{"name":"a"}],"rows":[{"b":1}]}', "rows[0]"),
        ('{"_kind":"grid","cols":[{"name":"a"},{"name":"a"}]}', "cols[1]"),
        ('{"_kind":"grid","cols":[],"rows":{}}', "rows"),
        ('{"_kind":"grid","meta":{"x":{"_kind":"time","val":"8"}}}', "meta.x"),
    ],
}


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [(name, *fault) for name, faults in FAULTS.items() for fault in faults],
)
def test_errors_have_a_position(name: str, text: str, position: str) -> None:
    with pytest.raises(ParseError) as caught:
        READERS[name](text)
    assert caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize("name", sorted(READERS.keys() - TAKES_ANY_TEXT))
@pytest.mark.parametrize(
    "opening", ["[", "{a:", "<<", '{"a":', "(", '[{"a":', "not ", "<<\nver:"]
)
def test_a_hundred_thousand_brackets(name: str, opening: str) -> None:
    for count in (MAX_DEPTH + 1, 1_000, 100_000):
        with pytest.raises(ParseError):
            READERS[name](opening * count)


@pytest.mark.parametrize(
    ("reader", "opening", "inner", "closing"),
    [
        (zinc_reader.read_value, "[", "1", "]"),
        (zinc_reader.read_value, "{a:", "1", "}"),
        (zinc_reader.read_value, '<<\nver:"3.0"\na\n', "1\n", ">>\n"),
        (hayson_reader.read_value, "[", "1", "]"),
        (hayson_reader.read_value, '{"a":', "1", "}"),
        (json3_reader.read_value, "[", "1", "]"),
        (json3_reader.read_value, '{"a":', "1", "}"),
        (
            json3_reader.read_value,
            '{"meta":{"ver":"3.0"},"cols":[{"name":"a"}],"rows":[{"a":',
            "1",
            "}]}",
        ),
        (trio_reader.read_value, "[", "1", "]"),
        (trio_reader.read_value, "{a:", "1", "}"),
    ],
)
def test_depth_limit_is_exact(
    reader: Callable[[str], Any], opening: str, inner: str, closing: str
) -> None:
    def nested(depth: int) -> str:
        return (opening * depth + inner + closing * depth).rstrip("\n")

    reader(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 2_000, 100_000):
        with pytest.raises(ParseError):
            reader(nested(depth))


_JUNK = (
    '[ ] { } << >> " ` \\ \\u , : @ ^ ( C( - 1e999 INF _kind null 0x "_kind": T 2024-'
    " // /* 9999-12-31T23:59:59-14:00"
)
JUNK = st.text(max_size=3) | st.sampled_from(
    [*_JUNK.split(), "\0", "\ud800", "\n", "\u00a0", "9" * 400]
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(
        pool.values.map(zinc_writer.value_text)
        | pool.values.map(hayson_writer.dump)
        | pool.grids(pool.values).map(zinc_writer.grid_text)
        | pool.grids(pool.values).map(hayson_writer.grid_text)
        | pool.values.map(json3_writer.dump)
        | pool.grids(pool.values).map(json3_writer.grid_text)
        | pool.grids(pool.values).map(trio_writer.grid_text)
        | pool.asts.map(pool.filter_text)
    )
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 0, 1, 2, 5]))
        text = text[:start] + draw(JUNK) + text[end:]
    return text


@pytest.mark.parametrize("name", READERS)
@given_once(fewer, text=damaged() | st.text() | JUNK)
def test_damaged_text_is_read_or_is_a_parse_error(name: str, text: str) -> None:
    try:
        READERS[name](text)
    except ParseError as error:
        assert error.message
        # the root of a JSON document has no path
        assert error.position or name.startswith("hayson")


# -- history --------------------------------------------------------------------

HISTORY_ZONES = [*pool.ZONES, "Sao_Paulo", "Casablanca", "Chatham", "Kathmandu"]


def transitions(tz: str) -> list[dt.datetime]:
    """The first instant of each new offset since 1950, to the second."""
    zone = zone_of(tz)
    found = []
    before = dt.datetime(1950, 1, 1, tzinfo=dt.UTC)
    while before.year < 2038:
        after = before + dt.timedelta(days=10)
        offset = before.astimezone(zone).utcoffset()
        if after.astimezone(zone).utcoffset() != offset:
            low, high = before, after
            while high - low > dt.timedelta(seconds=1):
                middle = low + dt.timedelta(seconds=(high - low).total_seconds() // 2)
                if middle.astimezone(zone).utcoffset() == offset:
                    low = middle
                else:
                    high = middle
            found.append(high)
        before = after
    return found


@pytest.mark.parametrize("tz", HISTORY_ZONES)
def test_history_times_equal_datetime_texts(tz: str) -> None:
    seconds = (-90_000, -3_600, -901, -900, -450, -1, 0, 1, 29, 450, 900, 3_600, 90_000)
    times = sorted(
        microseconds_of(instant + dt.timedelta(seconds=shift)) + fraction
        for instant in [*transitions(tz), *pool.INSTANTS]
        for shift in seconds
        for fraction in (0, 500_000)
    )
    right = [DateTime(instant_of(time), tz).iso for time in times]
    assert TimeTexts(tz).of(times) == right


samples = st.lists(
    st.tuples(
        pool.instants.map(microseconds_of),
        st.one_of(
            pool.finite_floats,
            pool.finite_floats,
            pool.bools,
            pool.texts,
            pool.coords,
            st.just(NA),
            st.sampled_from([Number(float("nan")), Number(float("-inf"))]),
        ),
    ),
    max_size=12,
)


@grid_formats
@given_once(
    many,
    found=samples,
    tz=st.sampled_from(pool.ZONES),
    unit=st.sampled_from(pool.SYMBOL_UNITS),
    size=st.integers(1, 5),
)
def test_series_is_written_like_rows(
    name: str, found: list[tuple[int, Any]], tz: str, unit: str | None, size: int
) -> None:
    found = sorted(found, key=lambda sample: sample[0])
    chunks = []
    for at in range(0, len(found), size):
        part = found[at : at + size]
        others = {i: val for i, (_, val) in enumerate(part) if type(val) is not float}
        vals = [0.0 if i in others else val for i, (_, val) in enumerate(part)]
        chunks.append(Chunk([time for time, _ in part], vals, others))
    series = Series(tz, unit, lambda: chunks)
    rows = [
        {
            "ts": DateTime(instant_of(time), tz),
            "val": Number(value, unit) if type(value) is float else value,
        }
        for time, value in found
    ]
    assert list(map(canonical, series)) == list(map(canonical, rows))
    cols = [Col("ts"), Col("val")]
    write, read = GRIDS[name]
    text = write(Grid(cols, series, {"hisStart": rows[0]["ts"] if rows else NA}))
    plain = Grid(cols, rows, {"hisStart": rows[0]["ts"] if rows else NA})
    if name != "hayson":  # which writes the numbers of a series differently
        assert text == write(plain)
    assert canonical(read(text)) == canonical(plain)
