"""Arguments of ops, read from request grids; errors name the argument."""

from __future__ import annotations

import math
from typing import Any

from ..conf import limit
from ..filters import Filter, parse
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Number, Ref, Symbol
from ..kinds.units import preferred_symbol
from ..wire.zinc_writer import display_text
from .registry import OpError

__all__ = [
    "check_id_count",
    "require_filter",
    "require_ref",
    "require_seconds",
    "require_str",
    "row_ids",
    "row_limit",
    "wants",
]


_LARGEST_LIMIT = 2**31 - 1
"""More rows than any answer has."""
_SECONDS = {
    preferred_symbol("ms"): 0.001,
    preferred_symbol("s"): 1,
    preferred_symbol("min"): 60,
    preferred_symbol("h"): 3_600,
    preferred_symbol("day"): 86_400,
    preferred_symbol("wk"): 604_800,
}
"""Seconds of the units of time that have a fixed length."""


def require_ref(value: Any, name: str = "id") -> Ref:
    if value is None:
        raise OpError(f"missing {name}")
    if not isinstance(value, Ref):
        raise OpError(f"{name} must be a Ref, not {display_text(value)}")
    return value


def check_id_count(count: int) -> None:
    """Raises OpError if a request has more ids than the settings allow."""
    maximum = limit("IDS")
    if count > maximum:
        raise OpError(f"{count} ids in one request, at most {maximum} (cap IDS)")


def row_ids(grid: Grid) -> list[Ref]:
    """The ids of all rows. Raises OpError for a row without one."""
    rows = list(grid.rows)
    check_id_count(len(rows))
    numbered = enumerate(rows, 1)
    return [require_ref(row.get("id"), f"id in row {n}") for n, row in numbered]


def require_str(value: Any, name: str) -> str:
    if value is None:
        raise OpError(f"missing {name}")
    if not isinstance(value, str):
        raise OpError(f"{name} must be a Str, not {display_text(value)}")
    return value


def require_filter(value: Any) -> Filter:
    """The parsed filter. A GET parameter ``^symbol`` is a filter read as a Symbol."""
    return parse(
        str(value) if isinstance(value, Symbol) else require_str(value, "filter")
    )


def row_limit(value: Any) -> int | None:
    """A limit on rows; None if it is not a finite number, as clients expect."""
    if isinstance(value, Number) and math.isfinite(value.val):
        return min(max(0, int(value.val)), _LARGEST_LIMIT)
    return None


def wants(value: Any, name: str) -> bool:
    """Whether an argument is set: a Marker, or true, which a URL has as a text."""
    if value is None or value in (False, "false"):
        return False
    if value is MARKER or value in (True, "true"):
        return True
    raise OpError(f"{name} must be true or a Marker, not {display_text(value)}")


def require_seconds(value: Any, name: str) -> float:
    """The seconds of a Number with a unit of time that has a fixed length."""
    seconds = _SECONDS.get(value.unit or "") if isinstance(value, Number) else None
    if seconds is None:
        shown = display_text(value)
        raise OpError(f"{name} must be a Number with a unit of time, not {shown}")
    return float(value.val * seconds)
