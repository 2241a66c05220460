"""The unit table and the rules for names that are not in it."""

from __future__ import annotations

import pickle

import pytest

from haystack_app.kinds.display import quoted
from haystack_app.kinds.units import (
    UNITS,
    Unit,
    UnknownUnit,
    converted,
    preferred_symbol,
)

# Every unit of the conformance cases: what the reference implementation answers.
REFERENCE = {
    "%": "%",
    "%RH": "%RH",
    "$": "$",
    "cfm": "cfm",
    "ft²": "ft²",
    "square_foot": "ft²",
    "m²": "m²",
    "m³/s": "m³/s",
    "kW": "kW",
    "kWh": "kWh",
    "kW/ft²": "kW/ft²",
    "°C": "°C",
    "°F": "°F",
    "Δ°F": "Δ°F",
    "sec": "sec",
    "min": "min",
    "h": "hr",
    "hr": "hr",
    "hour": "hr",
}

# Every unit of the alpha demonstration site that is not among the above.
ALPHA = {
    "A": "A",
    "BTU/lb": "BTU/lb",
    "Hz": "Hz",
    "fahrenheit": "°F",
    "gal": "gal",
    "gal/min": "gal/min",
    "inH₂O": "inH₂O",
    "kW/ton": "kW/ton",
    "m": "m",
    "psi": "psi",
    "therm": "therm",
    "tonref": "tonref",
}

OHM_SIGN, GREEK_OMEGA = "\N{OHM SIGN}", "\N{GREEK CAPITAL LETTER OMEGA}"


@pytest.mark.parametrize(("name", "symbol"), (REFERENCE | ALPHA).items())
def test_symbols_of_the_reference(name: str, symbol: str) -> None:
    assert preferred_symbol(name) == symbol


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("second", "sec"),
        ("s", "sec"),
        ("Volt", "V"),
        ("us_dollar", "$"),
        ("USD", "$"),
        ("kilowatt", "kW"),
        ("in/wc", "inH₂O"),
        ("MBTU", "MMBTU"),
        ("per_hour", "/h"),
        ("acre", "acre"),
        ("ohm", OHM_SIGN),
        (GREEK_OMEGA, OHM_SIGN),
        (OHM_SIGN, OHM_SIGN),
    ],
)
def test_aliases(name: str, symbol: str) -> None:
    assert preferred_symbol(name) == symbol


def test_unit_of_every_id() -> None:
    hour = UNITS["hour"]
    assert hour == Unit("hour", "hr", "time", ("hour", "h", "hr"))
    assert UNITS["h"] is hour is UNITS["hr"]
    assert UNITS["day"] == Unit("day", "day", "time", ("day",))


def test_table_is_complete_and_consistent() -> None:
    units = set(UNITS.values())
    assert len(units) == 457
    # No id is shared: each belongs to exactly the units that list it.
    assert len(UNITS) == sum(len(unit.ids) for unit in units)
    for unit_id, unit in UNITS.items():
        assert unit_id in unit.ids
        assert (unit.name, unit.symbol) == (unit.ids[0], unit.ids[-1])
        assert unit.quantity
        assert preferred_symbol(unit_id) == unit.symbol
        assert preferred_symbol(unit.symbol) == unit.symbol


@pytest.mark.parametrize("name", ["kw", "KW", "mwh", "hz", "Hour"])
def test_ids_are_case_sensitive(name: str) -> None:
    with pytest.raises(UnknownUnit):
        preferred_symbol(name)


def test_ids_that_differ_in_case_only() -> None:
    assert UNITS["mW"].name == "milliwatt"
    assert UNITS["MW"].name == "megawatt"
    assert UNITS["db"].name == "decibel"
    assert UNITS["Db"].name == "dobra"


def test_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        UNITS["bogus"] = UNITS["kW"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        UNITS["kW"].symbol = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "name", ["_customUnit", "_foo", "_a5", "__", "_%/$_", "_µg/m³", "_件", "__1"]
)
def test_custom_units_stand_for_themselves(name: str) -> None:
    assert preferred_symbol(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "kilowatts",
        "nosuchunit",
        "bogus",
        " kW",
        "kW ",
        "kW\n",
        "_",
        "_5",  # 7_5 is the number 75
        "_a b",
        "_a\n",
        "_a\x00",
        "_a\x80",
        "_a\x85",
        "_a\xa0b",
        "_a\u2028",
        "_a\ud800",
        '_a"',
        "_a'",
        "_a`",
        "_a,b",
        "_a-b",
        "_a.b",
        "_a)",
    ],
)
def test_unknown_units(name: str) -> None:
    with pytest.raises(UnknownUnit) as caught:
        preferred_symbol(name)
    assert isinstance(caught.value, ValueError)
    assert caught.value.name == name
    assert quoted(name) in str(caught.value)


def test_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(UnknownUnit("bogus")))
    assert (error.name, str(error)) == ("bogus", 'unknown unit "bogus"')


@pytest.mark.parametrize(
    ("val", "unit", "to", "expected"),
    [
        (1_000_000, "µm", "m", 1.0),
        (1, "mm", "µm", 1_000.0),
        (1, "galUK/min", "m³/s", 7.57682e-5),
        (1, "gal/min", "m³/s", 6.30902e-5),
        (60, "rpm", "rad/s", 6.283185),
    ],
)
def test_factors_of_units(val: float, unit: str, to: str, expected: float) -> None:
    """Also of those that the package has wrong."""
    assert converted(val, unit, to) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("val", "unit", "to", "expected"),
    [
        (32, "°F", "°C", 0),
        (0, "°C", "°F", 32),
        (212, "°F", "°C", 100),
        (-273.15, "°C", "K", 0),
        (70.5, "°F", "°C", 21.388888889),
        (1, "kW", "W", 1000),
        (1e-9, "kW", "W", 1e-6),
    ],
)
def test_conversions_leave_no_rest_of_a_difference(
    val: float, unit: str, to: str, expected: float
) -> None:
    found = converted(val, unit, to)
    assert found == pytest.approx(expected, rel=1e-9, abs=0)
