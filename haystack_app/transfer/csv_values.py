"""Parsers for sample values in CSV cells, by the kind of the point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from ..kinds.scalars import NA, Coord, Number
from ..storage.samples import HisPoint
from ..wire import zinc_reader

__all__ = ["cell_reader"]

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) ?(\D.*)?", re.ASCII)
_SPECIAL = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}
_BOOLS = {"true": True, "t": True, "false": False, "f": False}
_NA = "NA"


def cell_reader(point: HisPoint) -> Callable[[str], Any]:
    """A parser for the text of non-empty cells, which raises ValueError.

    ``NA`` is the value NA for every kind.
    """
    reader = _READERS.get(point.kind or "", _verbatim)
    return lambda text: NA if text == _NA else reader(text)


def _number(text: str) -> Number:
    match = _NUMBER.fullmatch(text.strip())
    if match is not None:
        val = float(match[1])
        if not math.isfinite(val):
            raise ValueError(f"Number out of range {text!r}")
        return Number(val, match[2])
    special = _SPECIAL.get(text.strip())
    if special is None:
        raise ValueError(f"invalid Number {text!r}")
    return Number(special)


def _bool(text: str) -> bool:
    value = _BOOLS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"invalid Bool {text!r}: expected true, false, T or F")
    return value


def _coord(text: str) -> Any:
    value = zinc_reader.read_value(text.strip())
    if not isinstance(value, Coord):
        raise ValueError(f"invalid Coord {text!r}: expected C(lat,lng)")
    return value


def _verbatim(text: str) -> str:
    """Also for kinds without history, which the store rejects with its own error."""
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "Number": _number,
    "Bool": _bool,
    "Str": _verbatim,
    "Coord": _coord,
}
