"""What ops take out of a request grid, with errors that name the argument."""

from __future__ import annotations

import math
from typing import Any

from ..conf import limit
from ..filters import Filter, parse
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref, Symbol
from .registry import OpError

__all__ = ["capped_ids", "filter_of", "limit_of", "ref_of", "refs_of", "text_of"]


_MOST = 2**31 - 1
"""More rows than any answer has."""


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
