"""Times as files of samples write them.

``2024-03-01T08:15:00-05:00``, with seconds and their fraction optional, a blank
for the ``T``, and optionally a zone's city behind. Without an offset the time is
local in the zone named there, else in the zone asked for. A local time that
occurs twice, when clocks go back, is its first occurrence; one that never occurs,
when they go forward, is an error.
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
    """The UTC time of a text; ``tz`` counts where it has neither offset nor zone.

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
        raise ValueError(f"no local time {text!r} in {city or tz}: clocks go forward")
    return utc
