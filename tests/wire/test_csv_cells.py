"""Rows of CSV, compared with those of the csv module."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.wire.csv_cells import Quoted, csv_rows
from haystack_app.wire.errors import ParseError
from tests.patience import cpu_limit


def rows(text: str) -> list[list[str]]:
    return [cells for _, cells in csv_rows(io.StringIO(text, newline="\n"))]


@given(
    st.lists(st.lists(st.text('a",\r\n ', max_size=5), min_size=1), max_size=4),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_the_csv_module_writes(table: list[list[str]], end: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(table)
    assert rows(out.getvalue()) == table


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a,5" pipe,b\n', [["a", '5" pipe', "b"]]),
        ("\n\na\n\n", [["a"]]),
        ('"x\n\ny",1\n2,3', [["x\n\ny", "1"], ["2", "3"]]),
        ("a,\n", [["a", ""]]),
        ("a" * 200_000 + ",b\n", [["a" * 200_000, "b"]]),
        ('"' + "a" * 200_000 + '",b\n', [["a" * 200_000, "b"]]),
    ],
)
def test_rows(text: str, found: list[list[str]]) -> None:
    assert rows(text) == found


def test_quotes_are_known() -> None:
    [cells] = rows('"a",a,"",\n')
    assert [isinstance(cell, Quoted) for cell in cells] == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a\n"b"c\n', "a comma is expected after a quoted cell at line 2"),
        ('a\n"b\n\n', "a quoted cell has no closing quote at line 3"),
    ],
)
def test_invalid_rows(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        rows(text)


def test_reading_goes_on_after_an_invalid_row() -> None:
    refused: list[ParseError] = []
    lines = io.StringIO('a\n"b"c\nd\n"e"f\n')
    assert [cells for _, cells in csv_rows(lines, refused.append)] == [["a"], ["d"]]
    assert [err.position for err in refused] == ["line 2", "line 4"]


def test_a_long_cell_of_many_lines_is_read_once() -> None:
    """Each line has quotes; reading all of it again for each would take minutes."""
    lines = ['a,"', *(['""x""'] * 200_000), '",b,"c', 'd"', "e,f,g,h"]
    with cpu_limit(5):
        [(last, cells), (_, after)] = csv_rows(f"{line}\n" for line in lines)
    assert last == len(lines) - 1
    assert cells == ["a", "\n" + '"x"\n' * 200_000, "b", "c\nd"]
    assert after == ["e", "f", "g", "h"]
