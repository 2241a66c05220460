"""Parsers for sample values in CSV cells, by the kind of the point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from ..kinds.display import quoted
from ..kinds.scalars import NA, Coord, Number
from ..wire import zinc_reader
from ..wire.csv_cells import Quoted
from ..wire.errors import ParseError
from .his_units import unit_of

__all__ = ["cell_value"]

_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) ?([^\s\d.,;:'+\-][^,;']*)?", re.ASCII
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[, '\u00a0\u202f]\d{3})+(?:\.\d+)?\b")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+\b")
_SPECIAL = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}
_BOOLS = {"true": True, "t": True, "false": False, "f": False}
_NA = "NA"


def cell_value(kind: str | None, cell: str) -> Any:
    """The value of a cell that is not empty. Raises ValueError.

    ``NA`` is the value NA for every kind; in quotes it is a Str for points of Strs.
    """
    reader = _READERS.get(kind or "", _verbatim)
    if cell == _NA and not (reader is _verbatim and isinstance(cell, Quoted)):
        return NA
    return reader(cell)


def _number(text: str) -> Number:
    text = text.strip()
    match = _NUMBER.fullmatch(text)
    if match is not None:
        val = float(match[1])
        if not math.isfinite(val):
            raise ValueError(f"Number out of range {quoted(text)}")
        return Number(val, unit_of(match[2]) if match[2] else None)
    special = _SPECIAL.get(text)
    if special is None:
        raise ValueError(f"invalid Number {quoted(text)}: {_number_hint(text)}")
    return Number(special)


def _number_hint(text: str) -> str:
    comma = _DECIMAL_COMMA.match(text)
    grouped = _GROUPED.match(text)
    plain = re.sub(r"[^\d.+-]", "", grouped[0]) if grouped else ""
    if grouped and comma and comma[0] == grouped[0]:  # 1,696 may be both
        point = comma[0].replace(",", ".")
        return f"write {point} if the comma is the decimal sign, otherwise {plain}"
    if grouped:
        return f"write {plain}, without a sign between thousands"
    if comma:
        return "the decimal sign must be a point"
    return "expected a form such as 21.5, 21.5°C, 1e3, INF, NaN or NA"


def _bool(text: str) -> bool:
    value = _BOOLS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"invalid Bool {quoted(text)}: expected true, false, T or F")
    return value


def _coord(text: str) -> Any:
    try:
        value = zinc_reader.read_value(text.strip())
    except ParseError:
        value = None
    if not isinstance(value, Coord):
        raise ValueError(f"invalid Coord {quoted(text)}: expected C(lat,lng)")
    return value


def _verbatim(text: str) -> str:
    """Also for kinds without history, which the store rejects with its own error."""
    return str(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "Number": _number,
    "Bool": _bool,
    "Str": _verbatim,
    "Coord": _coord,
}
