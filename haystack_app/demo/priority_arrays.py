"""The priority arrays of the demo's points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..storage.priority_array import DEFAULT, MANUAL, Level
from .climate import seed_of
from .history import quarter_of, spec_of, value_at

__all__ = ["WHO", "levels", "program"]

WHO = "haystack_demo"
"""``who`` of the demo's writes. Levels that others wrote are not changed."""

_IDLE = dt.datetime(2024, 6, 2, 7, tzinfo=dt.UTC)
"""A Sunday morning: the building is empty and its equipment is off."""
_VARIANTS = 23
_MANUAL, _DEFAULT_ONLY = range(2)


def levels(point: Mapping[str, Any], at: dt.datetime, who: str) -> dict[int, Level]:
    """The levels that are set at a time, the lowest priority first.

    ``point`` is a record of ``entities``. The effective level has the point's value of
    that time. Plants have a manual override, and so do a few other points, half of
    them for some hours; a few points have only a default. The result is empty if the
    point is not writable. Raises ValueError if it is not a point of the demo.
    """
    id: str = point["id"].id
    _, spec = spec_of(id)
    if spec.level is None:
        return {}
    now = Level(value_at(id, at), who)
    rest, variant = divmod(seed_of(id), _VARIANTS)
    if variant == _DEFAULT_ONLY:
        return {DEFAULT: now}
    if variant != _MANUAL and spec.level != MANUAL:
        return {spec.level: now}
    idle = Level(value_at(id, _IDLE), who)
    is_timed = spec.level != MANUAL and rest % 2 == 0
    expires = quarter_of(at) + dt.timedelta(hours=2 + rest % 7) if is_timed else None
    return {DEFAULT: idle, spec.level: idle, MANUAL: Level(now.val, who, expires)}


def program(id: str, at: dt.datetime) -> tuple[int, Any] | None:
    """The level that a point's control program writes, and its value at a time.

    None if the point is not writable.
    """
    _, spec = spec_of(id)
    if spec.level is None:
        return None
    default_only = seed_of(id) % _VARIANTS == _DEFAULT_ONLY
    return DEFAULT if default_only else spec.level, value_at(id, at)
