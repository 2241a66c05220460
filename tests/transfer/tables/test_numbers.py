"""Decimal signs and signs between thousands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haystack_app.transfer.tables.numbers import DecimalEvidence, number_parts


@pytest.mark.parametrize(
    ("text", "decimal", "value", "unit"),
    [
        ("1,234.5", "point", 1234.5, ""),
        ("1.234,5", "comma", 1234.5, ""),
        ("1 234,5", "comma", 1234.5, ""),
        ("1\u202f234,5", "comma", 1234.5, ""),
        ("1'234.5", "point", 1234.5, ""),
        ("0,696", "comma", 0.696, ""),
        ("1,234", "point", 1234, ""),
        ("1,234", "comma", 1.234, ""),
        ("1,234,567", "point", 1234567, ""),
        ("-5", None, -5, ""),
        ("\u22125.5", "point", -5.5, ""),
        (".5", "point", 0.5, ""),
        ("1e-3", None, 0.001, ""),
        ("72.5 deg F", "point", 72.5, "deg F"),
        ("21,5°C", "comma", 21.5, "°C"),
        ("5%", None, 5, "%"),
    ],
)
def test_parts(text: str, decimal: str | None, value: float, unit: str) -> None:
    assert number_parts(text, decimal) == (value, unit)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        *(("1,23", "point"), ("1.23", "comma"), ("1,2345", "point"), ("x", "point")),
        *(("1.2.3", "point"), ("0,696", "point"), ("12,34,567", "point"), ("", None)),
        *(("1,234", None), ("1e999", "point"), ("5-3", "point"), ("1;2", "point")),
    ],
)
def test_invalid(text: str, decimal: str | None) -> None:
    with pytest.raises(ValueError, match=r"Number|readings"):
        number_parts(text, decimal)


@given(st.integers(-(10**12), 10**12), st.integers(1, 6), st.sampled_from([",", "."]))
def test_a_written_number_has_its_value_or_none(
    digits: int, places: int, sign: str
) -> None:
    """With the other sign it is invalid or, in groups of three, a thousandth of it."""
    value = digits / 10**places
    text = f"{value:,.{places}f}"
    if sign == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    right, wrong = ("point", "comma") if sign == "." else ("comma", "point")
    assert number_parts(text, right)[0] == pytest.approx(value)
    try:
        other, _ = number_parts(text, wrong)
    except ValueError:
        return
    assert places == 3
    assert other == pytest.approx(value * 1000)


def decided(*cells: str, by_delimiter: str | None = None) -> str | None:
    evidence = DecimalEvidence()
    for line, cell in enumerate(cells, 2):
        evidence.add(line, 0, cell)
    return evidence.decided(0, "kW", by_delimiter)


def test_the_whole_column_decides() -> None:
    assert decided("5", "-7", "1e3") is None
    assert decided("1,234", "5", "0,5") == "comma"
    assert decided("1,234", "1,234.5") == "point"
    assert decided("1.234", "1.234.567") == "comma"
    assert decided("1.234", by_delimiter="point") == "point"
    with pytest.raises(ValueError, match="line 3 has two readings"):
        decided("5", "1,234", by_delimiter="point")
    with pytest.raises(ValueError, match="line 2 has two readings"):
        decided("1.234")
    with pytest.raises(ValueError, match="points and commas"):
        decided("1.5", "1,5")


def test_other_columns_decide_if_they_agree() -> None:
    evidence = DecimalEvidence()
    evidence.add(2, 0, "1,234")
    evidence.add(2, 1, "0,5")
    assert evidence.decided(0, "a", None) == "comma"
    evidence.add(2, 2, "0.5")
    with pytest.raises(ValueError, match="two readings"):
        evidence.decided(0, "a", None)
