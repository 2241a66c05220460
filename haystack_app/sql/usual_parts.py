"""Statements on stored parts that are mostly composed as they are, by ``folds.usual``.

A row is a part that starts from ``low`` to ``high``, in the order of the points: the
place of the point, from 0, columns by the statement, and whether the part must be read
otherwise, because a number is infinite or huge, or the value at its start not a number.

- ``numbers``: the start, and the columns of ``numbers`` in ``fold_parts``, with the
  sample at the start
- ``held`` and ``linear``: ``folds.usual.Weights``
- ``counter``: ``folds.usual.Readings``
- ``ends``: ``folds.usual.Ends``; first and last values must be numbers, too
"""

from __future__ import annotations

from typing import NamedTuple

from ..folds.parts import HUGE
from .folds import SQLITE_TIME
from .tables import FOLD_PARTS

__all__ = [
    "POSTGRES",
    "POSTGRES_COLUMNS",
    "POSTGRES_START",
    "SQLITE",
    "UsualStatements",
]


class UsualStatements(NamedTuple):
    """Parameters by name: ``ids``, ``hours``, ``low`` and ``high``."""

    numbers: str
    held: str
    linear: str
    counter: str
    ends: str


_HEAD_IS_ODD = f"has_head AND (head_val IS NULL OR abs(head_val) > {HUGE!r})"
_IS_ODD = f"""(is_infinite OR {_HEAD_IS_ODD}
        OR coalesce(f.low < -{HUGE!r} OR f.high > {HUGE!r}, false))"""
_COUNTER = f"""
    head_val, count, na, nan, start_number, end_number, drops, {_IS_ODD}"""
_ENDS = f"""
    head_val, count, first_val, last_val, {_IS_ODD}
        OR coalesce(head_obj, first_obj, last_obj) IS NOT NULL"""
_HELD = """
    held_small + CASE WHEN has_head AND first_ts IS NOT NULL
        THEN head_val * ({after}) ELSE 0.0 END,
    held_known + CASE WHEN has_head AND first_ts IS NOT NULL
        THEN ({after}) ELSE 0.0 END"""
_LINEAR = """
    line_small + CASE WHEN has_head AND first_val IS NOT NULL
        THEN (head_val / 2 + first_val / 2) * ({after}) ELSE 0.0 END,
    line_known + CASE WHEN has_head AND first_val IS NOT NULL
        THEN ({after}) ELSE 0.0 END"""


def _numbers(least: str, greatest: str) -> str:
    return f"""
    count + CASE WHEN has_head THEN 1 ELSE 0 END, na, nan,
    numbers + CASE WHEN has_head THEN 1 ELSE 0 END, small + coalesce(head_val, 0.0),
    huge, {least}, {greatest}, is_infinite OR {_HEAD_IS_ODD}"""


def _weights(start: str, first: str, last: str, area: str, after: str) -> str:
    """``after``: microseconds from the start to the first sample after it."""
    return f"""
    count + CASE WHEN has_head THEN 1 ELSE 0 END, na, nan,
    CASE WHEN has_head THEN {start} ELSE {first} END,
    CASE WHEN has_head THEN head_val ELSE first_val END,
    CASE WHEN last_ts IS NULL AND has_head THEN {start} ELSE {last} END,
    CASE WHEN last_ts IS NULL THEN head_val ELSE last_val END,
    {area.format(after=after)}, {_IS_ODD}"""


# -- PostgreSQL ---------------------------------------------------------------

# exact as doubles, which are faster: whole seconds, and times inside a part
POSTGRES_START = "date_part('epoch', start)::int8 * 1000000"
_P_AFTER = "date_part('epoch', {} - start) * 1e6"


def _postgres_weights(area: str) -> str:
    first, last = (
        f"{POSTGRES_START} + ({_P_AFTER.format(time)})::int8"
        for time in ("first_ts", "last_ts")
    )
    after = _P_AFTER.format("first_ts")
    return _weights(POSTGRES_START, first, last, area, after)


POSTGRES_COLUMNS = {
    "numbers": _numbers("least(low, head_val)", "greatest(high, head_val)"),
    "held": _postgres_weights(_HELD),
    "linear": _postgres_weights(_LINEAR),
    "counter": _COUNTER,
    "ends": _ENDS,
}


def _postgres(columns: str) -> str:
    return f"""
SELECT p.n - 1, {POSTGRES_START}, {columns}
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS p(id, n)
JOIN {FOLD_PARTS} AS f ON f.point_id = p.id AND f.hours = %(hours)s
    AND f.start >= %(low)s::timestamptz AND f.start <= %(high)s::timestamptz
ORDER BY p.n, start"""


POSTGRES = UsualStatements(
    **{name: _postgres(columns) for name, columns in POSTGRES_COLUMNS.items()}
)

# -- SQLite -------------------------------------------------------------------

_S_START, _S_FIRST, _S_LAST = (
    SQLITE_TIME.replace("h.ts", f"f.{name}")
    for name in ("start", "first_ts", "last_ts")
)


def _sqlite(columns: str) -> str:
    return f"""
SELECT p.key, {_S_START}, {columns}
FROM json_each(%(ids)s) AS p CROSS JOIN {FOLD_PARTS} AS f
    ON f.point_id = p.value AND f.hours = %(hours)s
    AND f.start >= %(low)s AND f.start <= %(high)s
ORDER BY p.key, f.start"""


def _sqlite_weights(area: str) -> str:
    after = f"{_S_FIRST} - {_S_START}"
    return _sqlite(_weights(_S_START, _S_FIRST, _S_LAST, area, after))


SQLITE = UsualStatements(
    numbers=_sqlite(
        _numbers(
            "min(coalesce(f.low, head_val), coalesce(head_val, f.low))",
            "max(coalesce(f.high, head_val), coalesce(head_val, f.high))",
        )
    ),
    held=_sqlite_weights(_HELD),
    linear=_sqlite_weights(_LINEAR),
    counter=_sqlite(_COUNTER),
    ends=_sqlite(_ENDS),
)
