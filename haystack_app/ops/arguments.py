"""What ops take out of a request grid, with errors that name the argument."""

from __future__ import annotations

import math
from typing import Any

from ..conf import limit
from ..filters import Filter, parse
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref, Symbol
from ..kinds.units import preferred_symbol
from .registry import OpError

__all__ = [
    "capped_ids",
    "filter_of",
    "limit_of",
    "ref_of",
    "refs_of",
    "seconds_of",
    "text_of",
]


_MOST = 2**31 - 1
"""More rows than any answer has."""
_SECONDS = {
    preferred_symbol("ms"): 0.001,
    preferred_symbol("s"): 1,
    preferred_symbol("min"): 60,
    preferred_symbol("h"): 3_600,
    preferred_symbol("day"): 86_400,
    preferred_symbol("wk"): 604_800,
}
"""Units of time that are always as long."""


def ref_of(value: Any, name: str = "id") -> Ref:
    if value is None:
        raise OpError(f"missing {name}")
    if not isinstance(value, Ref):
        raise OpError(f"{name} must be a Ref, not {value!r}")
    return value


def capped_ids(count: int) -> None:
    """Refuse a request for more ids than the settings allow."""
    most = limit("IDS")
    if count > most:
        raise OpError(f"{count} ids in one request, {most} at most (cap IDS)")


def refs_of(grid: Grid) -> list[Ref]:
    """The ids of all rows; a row without one is an error that names it."""
    kept = list(grid.rows)
    capped_ids(len(kept))
    rows = enumerate(kept, 1)
    return [ref_of(row.get("id"), f"id in row {number}") for number, row in rows]


def text_of(value: Any, name: str) -> str:
    if value is None:
        raise OpError(f"missing {name}")
    if not isinstance(value, str):
        raise OpError(f"{name} must be a Str, not {value!r}")
    return value


def filter_of(value: Any) -> Filter:
    """A filter's tree. GET reads ``^symbol``, a whole filter, as a Symbol."""
    return parse(str(value) if isinstance(value, Symbol) else text_of(value, "filter"))


def limit_of(value: Any) -> int | None:
    """A limit on rows: what is no finite number is none, as clients expect."""
    if isinstance(value, Number) and math.isfinite(value.val):
        return min(max(0, int(value.val)), _MOST)
    return None


def seconds_of(value: Any, name: str) -> float:
    """Of a Number with a unit of time that is always as long."""
    seconds = _SECONDS.get(value.unit or "") if isinstance(value, Number) else None
    if seconds is None:
        raise OpError(f"{name} must be a Number with a unit of time, not {value}")
    return float(value.val * seconds)
