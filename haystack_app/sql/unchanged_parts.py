"""Statements on the stored parts of one point whose samples did not change since.

They have the columns of the statements of ``usual_parts`` that have the same names, of
the parts of a range and of those beside it that a roll-up looks up. The last row before
the range has a value, or a number; the first row after it has a value, if any part
has. There is no row if parts are not stored or a mark touches them, and one row of
NULLs if there is no part.
"""

from __future__ import annotations

from .tables import FOLD_MARKS, FOLD_PARTS, FOLD_POINTS
from .usual_parts import POSTGRES_COLUMNS, POSTGRES_START

__all__ = ["POSTGRES"]

_PART = f"FROM {FOLD_PARTS} WHERE point_id = %(id)s AND hours = %(hours)s"
_LOW, _HIGH = "%(low)s::timestamptz", "%(high)s::timestamptz"
_IN_RANGE = f"AND first <= {_HIGH} AND last >= {_LOW}"


def _before(has_value: str) -> str:
    return f"""coalesce((SELECT max(start) {_PART} AND start < {_LOW}
        AND ({has_value} OR has_head)), {_LOW})"""


_AFTER = f"""coalesce(
        (SELECT min(start) {_PART} AND start >= {_HIGH}
            AND (first_ts IS NOT NULL OR has_head)),
        (SELECT min(start) {_PART} AND start >= {_HIGH}), {_HIGH})"""


def _postgres(
    name: str, first: str = _LOW, last: str = _HIGH, marks: str = _IN_RANGE
) -> str:
    return f"""
SELECT 0, {POSTGRES_START}, {POSTGRES_COLUMNS[name]}
FROM {FOLD_POINTS} AS p LEFT JOIN {FOLD_PARTS} AS f ON f.point_id = %(id)s
    AND f.hours = %(hours)s AND f.start >= {first} AND f.start <= {last}
WHERE p.point_id = %(id)s AND p.zone = %(zone)s AND p.dropped IS NULL
    AND (p.hourly OR %(hours)s = 24)
    AND NOT EXISTS (SELECT FROM {FOLD_MARKS} WHERE point_id = %(id)s {marks})
ORDER BY f.start"""


_WEIGHED = _before("last_ts IS NOT NULL"), _AFTER, ""
POSTGRES = {
    "numbers": _postgres("numbers"),
    "ends": _postgres("ends"),
    "held": _postgres("held", *_WEIGHED),
    "linear": _postgres("linear", *_WEIGHED),
    "counter": _postgres("counter", _before("end_number IS NOT NULL"), _HIGH, ""),
}
"""By name. Parameters: ``id``, ``zone``, ``hours``, ``low`` and ``high``."""
