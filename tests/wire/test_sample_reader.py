"""Samples that are read straight into columns are what the general readers read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings

from haystack_app.kinds import Grid
from haystack_app.kinds.timezones import _index
from haystack_app.kinds.units import UNITS
from haystack_app.wire import hayson_reader, limits, sample_reader, zinc_reader
from haystack_app.wire.errors import ParseError
from tests.his_bodies import hayson_bodies, zinc_bodies

many = settings(max_examples=500, deadline=None, derandomize=True)
ZINC_HEAD = 'ver:"3.0" id:@p\nts,val\n'


def of_zinc(text: str) -> tuple[Grid | None, Callable[[], Any]]:
    return sample_reader.zinc_samples(text), lambda: zinc_reader.read_grid(text)


def of_hayson(text: str) -> tuple[Grid | None, Callable[[], Any]]:
    try:
        value = hayson_reader.parse_json(text)
    except ParseError:
        return None, dict
    return sample_reader.hayson_samples(value), lambda: hayson_reader.decode(value)


def is_read(found: Grid | None, general: Callable[[], Any]) -> bool:
    """Whether it was read in columns; then it must be what the general reader reads."""
    if found is None:
        return False
    other = general()
    assert isinstance(other, Grid)
    assert (list(found.cols), found.meta) == (list(other.cols), other.meta)
    assert exact(found) == exact(other)
    return True


def exact(grid: Grid) -> list[str]:
    """Rows with the sign of zero and the names of zones."""
    return [repr(sorted(row.items())) for row in grid]


@many
@given(body=zinc_bodies())
@example(body=b"")
@example(body=b'ver:"3.0"\nempty\n')
def test_zinc(body: bytes) -> None:
    is_read(*of_zinc(body.decode()))


@many
@given(body=hayson_bodies())
@example(body=b"[]")
@example(body=b'"_kind"')
@example(body=b'{"_kind":"grid"}')
@example(body=b'{"_kind":"grid","cols":[{"name":"ts"},{"name":"val"}],"rows":{"a":1}}')
def test_hayson(body: bytes) -> None:
    is_read(*of_hayson(body.decode()))


@pytest.mark.parametrize(
    "rows",
    [
        "2024-01-15T12:00:00-05:00 New_York,1\n",
        "2024-01-15T12:00:00-05:00 New_York,-1.5e3°F\n\n\n",
        "2024-01-15T12:00:00.123456789Z,1\n2024-01-15T12:00:00Z,-0.0",
        "2024-01-15T12:00:00Z UTC,1kW/m²\r\n2024-01-15T12:00:00Z UTC,\r\n",
        "9998-12-31T23:59:59Z UTC,1\n0002-01-01T00:00:00Z UTC,1\n",
    ],
)
def test_plain_zinc_is_read_in_columns(rows: str) -> None:
    assert is_read(*of_zinc(ZINC_HEAD + rows))


@pytest.mark.parametrize(
    "rows",
    [
        "",
        "2024-01-15T12:00:00-05:00,1\n",
        "2024-01-15T12:00:00Z,1\n2024-01-15T12:00:00Z UTC,1\n",
        "2024-01-15T12:00:00Z UTC,1\n\n2024-01-15T12:00:00Z UTC,1\n",
        "2024-01-15T12:00:00Z UTC,1\n2024-01-15T12:00:00Z UTC,1°F\n",
        "2024-01-15T12:00:00Z UTC,5°F\n2024-01-15T12:00:00Z UTC,5 °F\n",
        "2024-01-15T12:00:00Z UTC,1_000\n",
        "2024-01-15T12:00:00Z UTC,T\n",
        "2024-01-15T12:00:00Z UTC,5T\n2024-01-15T12:00:00Z UTC,T\n",
        "2024-01-15T12:00:00Z UTC,1e999\n",
        "2024-01-15T12:00:00Z UTC,1\r\r\n",
        "2024-01-15T12:00:00Z UTC,1,2\n2024-01-15T12:00:00Z UTC\n",
        "9999-12-31T23:59:59Z UTC,1\n",
    ],
)
def test_other_zinc_is_left_to_the_general_reader(rows: str) -> None:
    assert not is_read(*of_zinc(ZINC_HEAD + rows))


@pytest.mark.parametrize("val", ['1,"x"', '"1"', "true", "null", '{"_kind":"na"}'])
def test_other_json_is_left_to_the_general_reader(val: str) -> None:
    def body(val: str) -> str:
        stamp = '{"_kind":"dateTime","val":"2024-01-15T12:00:00Z"}'
        return (
            '{"_kind":"grid","cols":[{"name":"ts"},{"name":"val"}],"rows":'
            f'[{{"ts":{stamp},"val":1.5}},{{"ts":{stamp},"val":{val}}}]}}'
        )

    assert is_read(*of_hayson(body("-2")))
    assert is_read(*of_hayson(body("-0.0")))
    assert not is_read(*of_hayson(body(val)))


@pytest.mark.parametrize("digits", ["0", "-5", "2024", "1.5", "1e5", "7E-3"])
def test_every_unit(digits: str) -> None:
    """No unit begins with what could be part of the number before it."""
    for unit in UNITS:
        row = f"2024-01-15T12:00:00Z UTC,{digits}{unit}\n"
        assert is_read(*of_zinc(ZINC_HEAD + row)), unit
    assert not any(re.match(r"[0-9.]|_[0-9]|[eE][+-]?[0-9]", unit) for unit in UNITS)


def test_every_zone() -> None:
    for city in _index().names:
        row = f"2024-07-15T12:00:00Z {city},1\n"
        assert is_read(*of_zinc(ZINC_HEAD + row)), city


def test_large_grids_are_left_to_the_general_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = ZINC_HEAD + "2024-01-15T12:00:00Z UTC,1\n" * 10
    monkeypatch.setattr(limits, "MAX_CELLS", 33)
    assert is_read(*of_zinc(text))
    monkeypatch.setattr(limits, "MAX_CELLS", 29)
    for other in (text, text.rstrip("\n")):
        assert not is_read(*of_zinc(other))
