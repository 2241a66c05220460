"""Whether a unit measures what a def asks for.

Defs name units they prefer (``prefUnit``, docHaystack Units); others of the same
quantity are as good, and which those are the unit database says.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..kinds.units import UNITS
from .namespace import Namespace
from .problem import Severity

__all__ = ["unit_problem"]

_ALIKE = {
    "temperature": {"temperature differential"},
    "volumetric flow": {"mass flow"},
    "power": {"apparent power", "reactive power"},
    "energy": {"apparent energy", "reactive energy"},
}
"""Quantities that the unit database tells apart and points commonly do not."""
_SHARE = "%"
_RATIO = "dimensionless"


def unit_problem(
    unit: str, symbols: Iterable[str], namespace: Namespace, *, shares: bool = False
) -> tuple[str, Severity] | None:
    """Why a unit does not fit any of some defs; None where it does.

    ``shares`` allows for percents of anything. A share or another ratio where
    a quantity is asked for, or the other way round, is a matter of habit (a
    tank's level, a fan's speed) and gets a warning only.
    """
    wanted = _quantities(symbols, namespace)
    known = UNITS.get(unit)
    if known is None or not wanted or known.quantity in _with_alike(wanted):
        return None
    if shares and known.symbol == _SHARE:
        return None
    is_habit = known.quantity == _RATIO or wanted == {_RATIO}
    message = f"{unit} measures {known.quantity}, not {' or '.join(sorted(wanted))}"
    return message, "warning" if is_habit else "error"


def _quantities(symbols: Iterable[str], namespace: Namespace) -> set[str]:
    """What the preferred units of some defs measure."""
    found: set[str] = set()
    for symbol in symbols:
        names = namespace.inherited(symbol, "prefUnit")
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and (unit := UNITS.get(name)):
                found.add(unit.quantity)
    return found


def _with_alike(wanted: set[str]) -> set[str]:
    return wanted.union(*(_ALIKE.get(quantity, ()) for quantity in wanted))
