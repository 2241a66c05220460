"""Units against the quantities that defs require.

Defs name the units they prefer (``prefUnit``, docHaystack Units). Other units of the
same quantity, according to the unit database, are accepted too.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..kinds.units import UNITS
from .namespace import Namespace
from .problem import Severity

__all__ = ["unit_problem"]

_INTERCHANGEABLE = {
    "temperature": {"temperature differential"},
    "volumetric flow": {"mass flow"},
    "power": {"apparent power", "reactive power"},
    "energy": {"apparent energy", "reactive energy"},
}
"""Quantities that the unit database separates and that points commonly do not."""
_PERCENT = "%"
_RATIO = "dimensionless"


def unit_problem(
    unit: str,
    symbols: Iterable[str],
    namespace: Namespace,
    *,
    allow_percent: bool = False,
) -> tuple[str, Severity] | None:
    """Message and severity if a unit fits none of the defs, else None.

    ``allow_percent`` accepts % for every quantity. A ratio in place of a quantity, or
    a quantity in place of a ratio, is common (a tank's level, a fan's speed) and only
    a warning.
    """
    expected = _quantities(symbols, namespace)
    known = UNITS.get(unit)
    if known is None or not expected or known.quantity in _accepted(expected):
        return None
    if allow_percent and known.symbol == _PERCENT:
        return None
    is_ratio = known.quantity == _RATIO or expected == {_RATIO}
    message = f"{unit} measures {known.quantity}, not {' or '.join(sorted(expected))}"
    return message, "warning" if is_ratio else "error"


def _quantities(symbols: Iterable[str], namespace: Namespace) -> set[str]:
    """The quantities that the preferred units of the defs measure."""
    found: set[str] = set()
    for symbol in symbols:
        names = namespace.inherited(symbol, "prefUnit")
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and (unit := UNITS.get(name)):
                found.add(unit.quantity)
    return found


def _accepted(expected: set[str]) -> set[str]:
    return expected.union(*(_INTERCHANGEABLE.get(name, ()) for name in expected))
