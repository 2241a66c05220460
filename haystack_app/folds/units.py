"""Units of folds, by the table of standard units."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ..kinds.units import UNITS, Unit
from .errors import FoldError

__all__ = ["difference_unit", "rate_of"]

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_MINUTE = 60 * _SECOND
_RATES = {
    "cfs": ("ft³", _SECOND),
    "cfm": ("ft³", _MINUTE),
    "cfh": ("ft³", _HOUR),
    "kcfm": ("Mcf", _MINUTE),
    "tonref": ("tonrefh", _HOUR),
    "hp": ("hph", _HOUR),
    "W/m²": ("Wh/m²", _HOUR),
    "W/ft²": ("Wh/ft²", _HOUR),
    "kW/m²": ("kWh/m²", _HOUR),
    "kW/ft²": ("kWh/ft²", _HOUR),
    "W/m²_irr": ("Wh/m²", _HOUR),
    "W/ft²_irr": ("Wh/ft²", _HOUR),
    "mph": ("mile", _HOUR),
    "A": ("Ah", _HOUR),
}
"""Rates whose symbol does not tell the unit of the amount and that of the time."""
_DIFFERENCES = {"°F": "Δ°F", "°C": "Δ°C", "K": "ΔK"}
_WITH_HOURS = {"power", "apparent power", "reactive power"}


def difference_unit(unit: str | None) -> str | None:
    """The unit of a difference of two values: Δ°F for °F."""
    return _DIFFERENCES.get(unit or "", unit)


@cache
def rate_of(unit: str | None) -> tuple[str, int]:
    """The unit of a rate times time, and the microseconds of the rate's time unit.

    kWh and an hour for kW, L and a second for L/s. Raises FoldError for a unit that is
    not a rate, such as °F.
    """
    known = UNITS.get(unit or "")
    if known is not None:
        if known.symbol in _RATES:
            return _RATES[known.symbol]
        if known.quantity in _WITH_HOURS and f"{known.symbol}h" in UNITS:
            return UNITS[f"{known.symbol}h"].symbol, _HOUR
        for found in _amounts(known):
            return found
    shown = f"the unit {unit}" if unit else "a Number without a unit"
    raise FoldError(
        f"integral needs a rate, such as kW or L/s: {shown} times time has no unit"
    )


def _amounts(unit: Unit) -> Iterator[tuple[str, int]]:
    """By symbols such as ``L/s``: an amount, and a unit of time."""
    for name in unit.ids:
        amount, _, time = name.rpartition("/")
        per = UNITS.get(time)
        if amount in UNITS and per is not None and per.quantity == "time":
            symbol = difference_unit(UNITS[amount].symbol)
            assert symbol is not None
            yield symbol, round(per.scale * _SECOND)
