"""CSV as it is written for spreadsheets, and as it is read."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    is_tag_name,
)
from haystack_app.wire import csv_reader, csv_writer, limits
from haystack_app.wire.errors import ParseError

some = settings(max_examples=100, deadline=None, derandomize=True)

UTC = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)

CELLS: list[tuple[Any, str]] = [
    (None, ""),
    (MARKER, "✓"),
    (NA, "NA"),
    (REMOVE, "R"),
    (True, "true"),
    (False, "false"),
    (Number(72.1, "°F"), "72.1°F"),
    (Number(float("-inf")), "-INF"),
    ("", ""),
    ('raw, "text"\n', 'raw, "text"\n'),
    (Uri("http://x/`"), "http://x/`"),
    (Ref("a"), "@a"),
    (Ref("a", "Dis, here"), "@a Dis, here"),
    (Symbol("site"), "^site"),
    (dt.date(2024, 2, 29), "2024-02-29"),
    (dt.time(8, 30), "08:30:00"),
    (DateTime(UTC), "2024-06-01T12:00:00Z"),
    (DateTime(UTC, "New_York"), "2024-06-01T08:00:00-04:00 New_York"),
    (Coord(37.5, -77.4), "C(37.5,-77.4)"),
    (XStr("Color", "red"), 'Color("red")'),
    ([Number(1), "a"], '[1,"a"]'),
    ({"a": MARKER, "b": Number(2)}, "{a b:2}"),
    (Grid(), '<<\nver:"3.0"\nempty\n\n>>'),
]


@pytest.mark.parametrize(("value", "text"), CELLS)
def test_cells(value: Any, text: str) -> None:
    assert csv_writer.value_text(value) == text
    written = csv_writer.grid_text(Grid([Col("a"), Col("b")], [{"a": value}]))
    assert list(csv.reader(io.StringIO(written, newline=""))) == [
        ["a", "b"],
        [text, ""],
    ]


@pytest.mark.parametrize(
    ("col", "title"),
    [
        (Col("a"), "a"),
        (Col("a", {"dis": "A, col"}), '"A, col"'),
        (Col("a", {"dis": NA}), "a"),
        (Col("v0", {"id": Ref("p", "Pump")}), "Pump"),
        (Col("v0", {"id": Ref("p")}), "@p"),
        (Col("v0", {"id": Ref("p", "Pump"), "dis": "D"}), "D"),
    ],
)
def test_titles(col: Col, title: str) -> None:
    assert csv_writer.grid_text(Grid([col])) == f"{title}\n"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a b", "a b"),
        ("a,b", '"a,b"'),
        ('"', '""""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        (" a", '" a"'),
        ("a ", '"a "'),
        ("", '""'),
        (None, '""'),
    ],
)
def test_quotes(cell: Any, written: str) -> None:
    """Also if it is the only cell of a row, which would be an empty line."""
    assert csv_writer.grid_text(Grid([Col("a")], [{"a": cell}])) == f"a\n{written}\n"


def test_every_cell_is_a_str() -> None:
    found = csv_reader.read_grid('id,area,site,none\n@a,5kW,✓,\n"x ""y""\n",,,\n')
    assert [col.name for col in found.cols] == ["id", "area", "site", "none"]
    assert list(found.rows) == [
        {"id": "@a", "area": "5kW", "site": "✓", "none": ""},
        {"id": 'x "y"\n', "area": "", "site": "", "none": ""},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "a,b\r\n1,2\r\n",
        "\ufeffa,b\n1,2",
        "a,b\r1,2\r",
        "\n\na,b\n\n1,2\n\n",
    ],
)
def test_line_ends_blank_lines_and_the_byte_order_mark(text: str) -> None:
    found = csv_reader.read_grid(text)
    assert found == Grid(
        [Col("a", {"orig": "a"}), Col("b", {"orig": "b"})], [{"a": "1", "b": "2"}]
    )


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "\r\n\r\n"])
def test_empty_text_is_an_empty_grid(text: str) -> None:
    assert csv_reader.read_grid(text).names == ["empty"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("a", ["a"]),
        ("Name", ["name"]),
        ("Chilled Water Temp", ["chilledWaterTemp"]),
        ("ID,AHUName,siteRef", ["id", "ahuname", "siteRef"]),
        ("Café,°F,日本", ["caf", "f", "v"]),
        ("2nd floor,(x),-,_x", ["v2ndFloor", "x", "v", "_x"]),
        (",a,,a", ["blank", "a", "blank_1", "a_1"]),
        ("a,a,a,a_1", ["a", "a_1", "a_2", "a_1_1"]),
        (" a , a", ["a", "a_1"]),
    ],
)
def test_names_of_columns(header: str, names: list[str]) -> None:
    found = csv_reader.read_grid(f"{header}\n")
    assert found.names == names
    assert [col.meta["orig"] for col in found.cols] == header.split(",")


@given(header=st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1))
@some
def test_any_header_has_names(header: list[str]) -> None:
    cols = [Col("a", {"dis": text}) for text in header]
    found = csv_reader.read_grid(csv_writer.grid_text(Grid(cols)))
    assert [col.meta["orig"] for col in found.cols] == header
    assert len(set(found.names)) == len(header)
    assert all(map(is_tag_name, found.names))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n1,2\n", "expected 1 cells, found 2"),
        ("a,b\n1\n", "expected 2 cells, found 1"),
        ('a\n"1', "no closing quote"),
        ('a\n"1"2', "a comma is expected after"),
    ],
)
def test_invalid_text(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        csv_reader.read_grid(text)
    assert caught.value.position == "line 2"


def test_duplicate_column_names() -> None:
    assert csv_reader.read_grid(",".join(["a"] * 50_000)).names[-1] == "a_49999"


def test_value_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 10)
    csv_reader.read_grid("a\n" + "1\n" * 5)
    with pytest.raises(ParseError, match="more than 10 values") as caught:
        csv_reader.read_grid("a\n" + "1\n" * 6)
    assert caught.value.position == "line 7"
