"""The op ``pointWrite``: read and write the priority array of a point.

Source: docHaystack Ops and Points.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied

from ..auth.roles import WRITE_EMERGENCY, WRITE_POINTS
from ..kinds.datetimes import DateTime
from ..kinds.grid import Col, Grid, Row
from ..kinds.scalars import Number
from ..storage.enumeration import display_of
from ..storage.names import ref_of
from ..storage.priority_array import (
    DEFAULT,
    EMERGENCY,
    LEVELS,
    MANUAL,
    Level,
    effective,
)
from ..wire.zinc_writer import display_text
from .arguments import require_ref, require_seconds, require_str
from .registry import Context, OpError, op

__all__: list[str] = []

_COLUMNS = ("level", "levelDis", "val", "valDis", "who", "expires", "user")
_LABELS = {EMERGENCY: "1 (emergency)", MANUAL: "8 (manual)", DEFAULT: "def"}
_LONGEST = dt.timedelta(days=3660)


@op("pointWrite", permission="view_entity", side_effects=True)
def point_write(context: Context, request: Grid) -> Grid:
    """Read a point's priority array, or with ``level`` write one level of it.

    Without ``val`` the level is released. After ``duration`` level 8 is released
    automatically. ``who`` defaults to the user; column ``user`` is always the login.
    Level 1 requires the permission ``write_emergency``.
    """
    arguments = request.first
    id = require_ref(arguments.get("id")).id
    if arguments.get("level") is None:
        return _array(context, id)
    number = _level_number(arguments["level"])
    _check_permission(context, number)
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
        user=context.username,
        now=context.now,
    )
    return Grid()


def _check_permission(context: Context, number: int) -> None:
    """Raises PermissionDenied."""
    if not context.has_permission(WRITE_POINTS):
        raise PermissionDenied(f"permission {WRITE_POINTS!r} required")
    if number == EMERGENCY and not context.has_permission(WRITE_EMERGENCY):
        raise PermissionDenied(
            f"level 1 is for emergencies: permission {WRITE_EMERGENCY!r} required"
        )


def _array(context: Context, id: str) -> Grid:
    record = context.existing(id)
    levels = context.storage.array_of(record, context.now)
    number, val = effective(levels)
    meta: dict[str, Any] = {"id": ref_of(record), "writeLevel": Number(number)}
    if val is not None:
        meta["writeVal"] = val
    enum = record.get("enum")
    rows = [_row(number, levels.get(number), enum) for number in LEVELS]
    return Grid([Col(name) for name in _COLUMNS], rows, meta)


def _row(number: int, level: Level | None, enum: Any) -> Row:
    row: dict[str, Any] = {
        "level": Number(number),
        "levelDis": _LABELS.get(number, str(number)),
    }
    if level is not None:
        row |= {"val": level.val, "valDis": display_of(level.val, enum)}
        row |= {"who": level.who}
        if level.user:
            row["user"] = level.user
        if level.expires is not None:
            row["expires"] = DateTime(level.expires)
    return row


def _author(who: Any) -> str:
    """Argument ``who`` of the request; empty if it is missing."""
    if who is None:
        return ""
    return require_str(who, "who")


def _level_number(value: Any) -> int:
    if not isinstance(value, Number) or value.unit or not value.val.is_integer():
        shown = display_text(value)
        raise OpError(f"level must be a whole number from 1 to 17, not {shown}")
    return int(value.val)


def _duration(value: Any) -> dt.timedelta:
    seconds = require_seconds(value, "duration")
    if not 0 < seconds <= _LONGEST.total_seconds():
        shown = display_text(value)
        raise OpError(f"duration must be positive and at most ten years, not {shown}")
    return dt.timedelta(seconds=seconds)
