"""Units of folds, held to the factors of the table."""

from __future__ import annotations

import pytest

from haystack_app.folds.errors import FoldError
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.units import difference_unit, rate_of
from haystack_app.kinds.units import UNITS


@pytest.mark.parametrize(
    ("rate", "amount"),
    [
        *(("kW", "kWh"), ("W", "Wh"), ("BTU/h", "BTU"), ("tonref", "tonrefh")),
        *(("L/s", "L"), ("m³/h", "m³"), ("cfm", "ft³"), ("gph", "gal")),
        *(("kg/s", "kg"), ("A", "Ah"), ("kVAR", "kVARh"), ("°F/h", "Δ°F")),
    ],
)
def test_amounts_of_rates(rate: str, amount: str) -> None:
    assert Meaning("Number", rate).unit_of("integral") == UNITS[amount].symbol


def test_every_rate_is_its_amount_by_its_time() -> None:
    """Factors of the table have four digits or more; some of them are wrong."""
    rates, wrong = 0, ("frequency", "heating rate", "angular velocity")
    for unit in {*UNITS.values()}:
        try:
            amount, microseconds = rate_of(unit.symbol)
        except FoldError:
            continue
        rates += 1
        if unit.quantity in wrong or unit.symbol == "galUK/min" or not unit.scale:
            continue
        expected = UNITS[amount].scale / (microseconds / 1e6)
        assert unit.scale == pytest.approx(expected, rel=2e-3), unit
    assert rates > 50


@pytest.mark.parametrize(
    "unit", ["°F", "°C", "kWh", "%", "W/m³/s", "Hz", "_custom", None]
)
def test_what_is_not_a_rate(unit: str | None) -> None:
    shown = f"the unit {unit}" if unit else "without a unit"
    with pytest.raises(FoldError, match=shown):
        Meaning("Number", unit).check(["integral"])


def test_units_of_the_other_folds() -> None:
    assert difference_unit("°F") == "Δ°F"
    assert difference_unit("°C") == "Δ°C"
    assert difference_unit("K") == "ΔK"
    assert difference_unit("kW") == "kW"
    point = Meaning("Number", "°F")
    assert [point.unit_of(fold) for fold in ("avg", "count", "spread", "max")] == [
        "°F",
        None,
        "Δ°F",
        "°F",
    ]
    assert Meaning("Bool").unit_of("avg") is None
