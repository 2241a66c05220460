"""The op ``pointWrite``: a point's priority array, read and written.

Source: docHaystack Ops and Points.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied

from ..kinds.datetimes import DateTime
from ..kinds.grid import Col, Grid, Row
from ..kinds.scalars import Number, Ref
from ..storage.priority_array import DEFAULT, LEVELS, MANUAL, Level, effective
from .arguments import ref_of, seconds_of, text_of
from .registry import Context, OpError, op

__all__: list[str] = []

_COLUMNS = ("level", "levelDis", "val", "who", "expires")
_LABELS = {1: "1 (emergency)", MANUAL: "8 (manual)", DEFAULT: "def"}
_LONGEST = dt.timedelta(days=3660)


@op("pointWrite", permission="view_entity", side_effects=True)
def point_write(context: Context, request: Grid) -> Grid:
    """Read a point's priority array, or with ``level`` write one level of it.

    No ``val`` releases the level. ``duration`` releases level 8 by itself.
    ``who`` is the user unless it is given.
    """
    arguments = request.first
    id = ref_of(arguments.get("id")).id
    if arguments.get("level") is None:
        return _array(context, id)
    if not context.may("write_points"):
        raise PermissionDenied("permission 'write_points' required")
    number = _level_number(arguments["level"])
    val = arguments.get("val")
    expires = None
    if number == MANUAL and val is not None and arguments.get("duration") is not None:
        expires = context.now + _duration(arguments["duration"])
    context.storage.point_write(
        id,
        number,
        val,
        _author(arguments.get("who")) or context.username,
        expires,
    )
    return Grid()


def _array(context: Context, id: str) -> Grid:
    levels = context.storage.point_array(id, context.now)
    number, val = effective(levels)
    meta: dict[str, Any] = {"id": Ref(id), "writeLevel": Number(number)}
    if val is not None:
        meta["writeVal"] = val
    rows = [_row(number, levels.get(number)) for number in LEVELS]
    return Grid([Col(name) for name in _COLUMNS], rows, meta)


def _row(number: int, level: Level | None) -> Row:
    row: dict[str, Any] = {
        "level": Number(number),
        "levelDis": _LABELS.get(number, str(number)),
    }
    if level is not None:
        row |= {"val": level.val, "who": level.who}
        if level.expires is not None:
            row["expires"] = DateTime(level.expires)
    return row


def _author(who: Any) -> str:
    """Who writes, as the request says; empty where it does not."""
    if who is None:
        return ""
    return text_of(who, "who")


def _level_number(value: Any) -> int:
    if not isinstance(value, Number) or value.unit or not value.val.is_integer():
        raise OpError(f"level must be a whole number from 1 to 17, not {value}")
    return int(value.val)


def _duration(value: Any) -> dt.timedelta:
    seconds = seconds_of(value, "duration")
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise OpError(f"duration must be positive and at most ten years, not {value}")
    return dt.timedelta(seconds=seconds)
