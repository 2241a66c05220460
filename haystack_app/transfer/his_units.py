"""Units in files of samples: of a cell, of a column, and of the point.

A unit is never ignored, and a point without a unit never gets one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..kinds.display import quoted
from ..kinds.scalars import Number
from ..kinds.units import UNITS, UnknownUnit, converted, preferred_symbol
from ..storage.samples import HisPoint

__all__ = ["COMMON", "check_unit", "fitted", "split_unit", "unit_of"]

_BRACKETS = re.compile(r"(.*?\S)\s*[(\[]([^()\[\]]*)[)\]]", re.DOTALL)
_DEGREES = re.compile(
    r"(?:deg(?:rees?)?[.\-_]?|[º˚°])\s*(c(?:elsius)?|f(?:ahrenheit)?|k(?:elvin)?)",
    re.IGNORECASE,
)
_LIGATURES = {"℃": "°C", "℉": "°F"}
_INCHES = re.compile(r"in(?:ch(?:es)?)?[. ]*(?:of )?(?:wc|wg|w\.c\.|w\.g\.|h2o)", re.I)
"""Of water, as gauges of ducts have it."""
COMMON = {
    **{"gpm": "gal/min", "fpm": "ft/min", "psig": "psi", "psid": "psi", "amps": "A"},
    **{"btuh": "BTU/h", "btu/hr": "BTU/h", "mbh": "kBTU/h", "kbtu/hr": "kBTU/h"},
    **{"lb/hr": "lb/h", "lbs/hr": "lb/h", "% rh": "%RH", "ug/m3": "µg/m³"},
}
"""What people in the field write, in lower case, which the table of units lacks."""
_POWERS = {"2": "²", "3": "³"}


def unit_of(text: str) -> str:
    """The symbol of a unit. Raises ValueError.

    ``deg C`` and ``℃`` are °C; names as those of BACnet (``cubic-feet-per-minute``),
    other cases of letters (``KWH``) and ``m3`` are read where only one unit fits.
    """
    text = text.strip()
    if degrees := _DEGREES.fullmatch(text):
        letter = degrees[1][0].upper()
        return "K" if letter == "K" else f"°{letter}"
    if _INCHES.fullmatch(text):
        return preferred_symbol("inH₂O")
    text = COMMON.get(text.casefold(), text)
    try:
        return preferred_symbol(_LIGATURES.get(text, text))
    except UnknownUnit:
        found = _by_other_spelling(text)
        if len(found) != 1:
            raise ValueError(f"unknown unit {quoted(text)}") from None
        return found.pop()


def _by_other_spelling(text: str) -> set[str]:
    plain = re.sub(
        r"(?<=[a-z])\^?([23])(?![0-9])", lambda it: _POWERS[it[1]], text, flags=re.I
    )
    words = re.sub(r"[\s\-]+", "_", plain.casefold())
    single = "_".join(word.removesuffix("s") for word in words.split("_"))
    for name in (plain.casefold(), words, single):
        if found := _folded().get(name):
            return set(found)
    return set()


@cache
def _folded() -> Mapping[str, set[str]]:
    """The symbols of units by their names without case."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, unit in UNITS.items():
        found[name.casefold()].add(unit.symbol)
    return dict(found)


def split_unit(text: str) -> tuple[str, str | None]:
    """The name in a header, and the unit in brackets after it.

    ``@a-1 Supply air (°C)`` and ``@a-1 [°C]`` have one; so have ``@a-1 °C`` and
    ``@a-1 Supply air °C avg``, where a word can only be a unit. Brackets right after
    an id are always a unit. Raises ValueError if it is not known, and for two units.
    """
    text = text.strip()
    name = text
    if match := _BRACKETS.fullmatch(text):
        try:
            return match[1], unit_of(match[2])
        except ValueError:
            if " " not in match[1]:
                raise
            name = match[1]
    id, *words = re.split(r"[\s,;()\[\]]+", name)
    is_only = id.startswith("@") and len(words) == 1
    units = {unit_of(word) for word in words if _is_unit(word, alone=is_only)}
    if len(units) > 1:
        raise ValueError(f"{quoted(text)} has two units, {' and '.join(sorted(units))}")
    return (id if units else text), next(iter(units), None)


def _is_unit(word: str, *, alone: bool) -> bool:
    """A word of letters only may also be part of a display name (Pump A)."""
    if word in _LIGATURES or (_DEGREES.fullmatch(word) and not word.isalpha()):
        return True
    return word in UNITS and (alone or not (word.isascii() and word.isalpha()))


def check_unit(point: HisPoint, unit: str | None, *, convert: bool) -> None:
    """Raises ValueError if numbers of this unit cannot be samples of the point."""
    if unit is None or unit == point.unit:
        return
    if point.kind != "Number":
        raise ValueError(f"unit must be none, not {unit}: it is a {point.kind} point")
    if point.unit is None:
        raise ValueError(f"unit must be none, not {unit}: the point has no tag unit")
    try:
        converted(0, unit, point.unit)
    except ValueError:
        raise ValueError(f"unit must be {point.unit}, not {unit}") from None
    if not convert:
        raise ValueError(
            f"unit must be {point.unit}, not {unit} (--convert converts the values)"
        )


def fitted(value: Any, point: HisPoint, unit: str | None, *, convert: bool) -> Any:
    """A value of a column with that unit, as a sample of the point.

    Raises ValueError.
    """
    if type(value) is not Number:
        return value
    if value.unit and unit and value.unit != unit:
        raise ValueError(f"unit is {value.unit} in the cell and {unit} in the header")
    own = value.unit or unit
    check_unit(point, own, convert=convert)
    if own is None or own == point.unit or point.unit is None:
        return value
    return Number(converted(value.val, own, point.unit), point.unit)
