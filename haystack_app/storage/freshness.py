"""When a current value is too old to count: its status becomes ``stale``.

A point says so by ``hisStaleTime``. Without it only Numbers of sensors get stale whose
history is periodic: after three times the usual interval.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number
from ..kinds.series import microseconds_of
from ..kinds.transient import CUR_TS, HIS_PERIOD, SAMPLE_TS
from ..wire import hayson_reader
from ..wire.zinc_writer import display_text
from .collection import COV, duration

__all__ = [
    "LEAST",
    "STALE_TIME",
    "TIMES",
    "can_be_stale",
    "is_stale",
    "kept_period",
    "period_number",
    "period_of",
    "stale_after",
    "stamp",
]

STALE_TIME = "hisStaleTime"
_MICROSECOND = dt.timedelta(microseconds=1)
_SECOND = 1_000_000
LEAST = 900 * _SECOND
"""Microseconds after which a value may be stale without ``hisStaleTime``."""
TIMES = 101
"""The newest samples that tell the usual interval."""
_FEWEST = 5
_PERIODS = 3
_TOLERANCE = 0.25
_GRAINS = 10
_LONGEST = 60 * _SECOND


def can_be_stale(tags: Mapping[str, Any]) -> bool:
    """Whether a point can get stale; its tags are decoded or JSON."""
    return STALE_TIME in tags or (
        "sensor" in tags
        and "his" in tags
        and tags.get("kind") == "Number"
        and COV not in tags
        and tags.get("hisMode") != "cov"
        and "sp" not in tags
        and "cmd" not in tags
    )


def stale_after(tags: Mapping[str, Any], period: int | None = None) -> int | None:
    """The age in microseconds from which on a value is stale, None for never.

    ``period`` is the usual interval of the point's history, if it has one. Raises
    ValueError if ``hisStaleTime`` is invalid.
    """
    given = tags.get(STALE_TIME)
    if given is not None:
        size = duration(hayson_reader.decode(given) if type(given) is dict else given)
        if not size or size <= 0:
            shown = display_text(given)
            raise ValueError(f"must be a duration, such as 1hr, not {shown}")
        return size
    if period is None or not can_be_stale(tags):
        return None
    return max(LEAST, _PERIODS * period)


def is_stale(record: Mapping[str, Any], period: int | None, now: int) -> bool:
    """Whether a point's current value is too old at ``now``, by its decoded tags.

    It is not if the tags do not say when it was written.
    """
    try:
        limit = stale_after(record, period)
    except ValueError:  # reported by haystack_validate
        return False
    if limit is None:
        return False
    ages = [
        now - microseconds_of(ts.utc) - slack
        for name, slack in ((CUR_TS, _grain(limit)), (SAMPLE_TS, 0))
        if isinstance(ts := record.get(name), DateTime)
    ]
    return bool(ages) and min(ages) > limit


def period_of(times: Sequence[int]) -> int | None:
    """The usual interval of the newest samples, if they are periodic.

    The middle half of the intervals differs from their median by a quarter of it at
    most. ``times`` are in microseconds, in any order.
    """
    if len(times) < _FEWEST:
        return None
    ordered = sorted(times)[-TIMES:]
    intervals = sorted(after - before for before, after in pairwise(ordered))
    count = len(intervals)
    median = intervals[count // 2]
    middle = intervals[count // 4], intervals[(3 * count - 1) // 4]
    if all(abs(one - median) <= _TOLERANCE * median for one in middle):
        return median
    return None


def period_number(period: int) -> Number:
    """The tag ``hisPeriod``."""
    return Number(period / _SECOND, "sec")


def kept_period(record: Mapping[str, Any]) -> int | None:
    """The usual interval by the tag ``hisPeriod``."""
    kept = record.get(HIS_PERIOD)
    return duration(kept) if isinstance(kept, Number) else None


def stamp(tags: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """The tag ``curTs`` after a write of the current value; None removes it.

    ``tags`` are those before, as JSON. Writes are noted once in a tenth of the time
    after which the value would be stale, and at most once a minute: a note of an equal
    value is a change that watches see.
    """
    held: Any = tags.get(CUR_TS)
    if not can_be_stale(tags):
        return {} if held is None else {CUR_TS: None}
    try:
        grain = _grain(stale_after(tags) or LEAST) if STALE_TIME in tags else _LONGEST
        noted, now_text = held["val"], _noted(now, 0)[0]
        if _noted(now, grain)[0] < noted <= now_text:
            return {}
    except (ValueError, KeyError, TypeError):  # none yet, or plain SQL set it
        pass
    return {CUR_TS: _noted(now, 0)[1]}


@lru_cache(8)
def _noted(now: dt.datetime, before: int) -> tuple[str, DateTime]:
    """The time so many microseconds before, the same for all points of a call."""
    at = now - before * _MICROSECOND
    ts = DateTime(at.replace(microsecond=at.microsecond // 1000 * 1000))
    return ts.iso, ts


def _grain(limit: int) -> int:
    return min(math.ceil(limit / _GRAINS), _LONGEST)
