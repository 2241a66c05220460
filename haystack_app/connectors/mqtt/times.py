"""Times in payloads: ISO and other texts, and epochs in s, ms, us or ns."""

from __future__ import annotations

from typing import Any

from ...kinds.display import quoted
from ...kinds.series import microseconds_of
from ...transfer.tables.stamps import (
    instants_of,
    number_form,
    number_instants,
    stamp_of,
)

__all__ = ["time_of"]

_SECONDS = range(100_000_000, 4_700_000_000)
_MILLISECONDS = range(100_000_000_000, 4_700_000_000_000)
_AHEAD = 86_400_000_000
"""Of a device whose clock is wrong; later samples would never be the newest."""


def time_of(value: Any, received: int, tz: str) -> int:
    """Microseconds since 1970; ``received`` is now, and decides in a doubled hour.

    Local times are of the zone ``tz``. Raises ValueError.
    """
    time = _time(value, received, tz)
    if time > received + _AHEAD:
        raise ValueError(f"time {quoted(str(value))} is more than a day ahead")
    return time


def _time(value: Any, received: int, tz: str) -> int:
    if type(value) is int:
        if value in _MILLISECONDS:
            return value * 1_000
        if value in _SECONDS:
            return value * 1_000_000
    if type(value) not in (int, float, str):
        raise ValueError("invalid time: expected a text or a number")
    text = str(value).strip()
    if form := number_form(text):
        if form == "serial":
            raise ValueError(f"invalid time {quoted(text)}: neither seconds nor ms")
        return microseconds_of(number_instants(text, form, tz)[0])
    stamp = stamp_of(text)
    if stamp is None or stamp.by_column:
        raise ValueError(
            f"invalid time {quoted(text)}: expected a form such as"
            " 2024-03-01T08:15:00Z, or an epoch in s or ms"
        )
    found = instants_of(text, None, tz)
    return min(map(microseconds_of, found), key=lambda time: abs(time - received))
