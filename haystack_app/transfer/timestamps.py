"""Timestamps in files of samples.

``2024-03-01T08:15:00-05:00``. Seconds and their fraction are optional, a blank may
replace the ``T``, and the city of a time zone may follow. Without an offset the time is
local in that zone, or else in the zone of the option or of the point. A local time that
occurs twice, when clocks go back, means the first one; a local time that does not
occur, when clocks go forward, is an error.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from ..kinds.timezones import zone_of

__all__ = ["instant"]

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)"
    r"\s*(Z|[+-]\d\d:\d\d)?(?:\s+([A-Za-z][\w+\-]*))?",
    re.ASCII,
)


@lru_cache(maxsize=65_536)
def instant(text: str, tz: str) -> dt.datetime:
    """The UTC time of a text; ``tz`` applies if it has neither offset nor zone.

    Raises ValueError.
    """
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid time {text!r}: expected YYYY-MM-DDTHH:MM:SS+HH:MM")
    date, time, offset, city = match.groups()
    zone = zone_of(city or tz)
    try:
        if offset is not None:
            return dt.datetime.fromisoformat(date + "T" + time + offset).astimezone(
                dt.UTC
            )
        local = dt.datetime.fromisoformat(date + "T" + time)
        utc = local.replace(tzinfo=zone).astimezone(dt.UTC)
        back = utc.astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError) as err:
        raise ValueError(f"invalid time {text!r}: {err}") from None
    if back != local:
        raise ValueError(
            f"local time {text!r} does not occur in {city or tz}: clocks go forward"
        )
    return utc
