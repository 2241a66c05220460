"""What the priority arrays of the demo's points hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..storage.priority_array import DEFAULT, MANUAL, Level
from .climate import seed_of
from .history import quarter_of, spec_of, value_at

__all__ = ["WHO", "levels", "program"]

WHO = "haystack_demo"
"""Who writes to the demo's points; what others wrote is theirs."""

_IDLE = dt.datetime(2024, 6, 2, 7, tzinfo=dt.UTC)
"""A Sunday morning: nobody is there, and what serves people is off."""
_KINDS = 23
_BY_HAND, _FALLEN = range(2)


def levels(point: Mapping[str, Any], at: dt.datetime, who: str) -> dict[int, Level]:
    """The levels that are set at a time, the lowest priority first.

    ``point`` is a record of ``entities``. The one that counts has the point's
    value of that time. Plants are enabled by hand; a few other points are held
    so, half of them for some hours, and a few have nothing but their default.
    There are none where the point is not writable. Raises ValueError for a point
    of somebody else.
    """
    id: str = point["id"].id
    _, spec = spec_of(id)
    if spec.level is None:
        return {}
    now = Level(value_at(id, at), who)
    rest, kind = divmod(seed_of(id), _KINDS)
    if kind == _FALLEN:
        return {DEFAULT: now}
    if kind != _BY_HAND and spec.level != MANUAL:
        return {spec.level: now}
    idle = Level(value_at(id, _IDLE), who)
    for_hours = spec.level != MANUAL and rest % 2 == 0
    ends = quarter_of(at) + dt.timedelta(hours=2 + rest % 7) if for_hours else None
    return {DEFAULT: idle, spec.level: idle, MANUAL: Level(now.val, who, ends)}


def program(id: str, at: dt.datetime) -> tuple[int, Any] | None:
    """The level that the program of a point commands, and what it says at a time.

    None where the point is not writable.
    """
    _, spec = spec_of(id)
    if spec.level is None:
        return None
    fallen = seed_of(id) % _KINDS == _FALLEN
    return DEFAULT if fallen else spec.level, value_at(id, at)
