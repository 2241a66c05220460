"""Clock, occupancy and weather of a campus at a time."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache

from ..kinds.datetimes import DateTime
from ..kinds.timezones import zone_of

__all__ = ["Climate", "Moment", "noise", "seed_of"]

_YEAR = 365.25 * 86_400
_DAY = 86_400
_MASK = 0xFFFFFFFF


def seed_of(text: str) -> int:
    """A 32-bit hash of an id that is the same on every machine (FNV-1a)."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & _MASK
    return value


def noise(seed: int, time: int) -> float:
    """Pseudo-random value from -1 to 1, the same for the same arguments."""
    mixed = (seed ^ time * 0x9E3779B1) & _MASK
    mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B & _MASK
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 & _MASK
    return (mixed ^ mixed >> 16) / 2**31 - 1


@dataclass(frozen=True, slots=True)
class Climate:
    """A time zone and its weather: mean and amplitudes of the temperature in °C."""

    tz: str
    mean: float
    by_year: float
    by_day: float


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on one campus.

    ``seconds`` since 1970 UTC; ``hour`` of the local day; ``occupied`` 0..1;
    ``outside`` in °C; ``sun`` 0..1; ``cooling`` and ``heating`` are the loads on the
    plant, 0..1, from weather and occupancy.
    """

    ts: DateTime
    seconds: int
    hour: float
    occupied: float
    outside: float
    sun: float
    cooling: float
    heating: float

    @classmethod
    @lru_cache(maxsize=65_536)
    def at(cls, seconds: int, climate: Climate) -> Moment:
        utc = dt.datetime.fromtimestamp(seconds, dt.UTC)
        local = utc.astimezone(zone_of(climate.tz))
        hour = local.hour + local.minute / 60 + local.second / 3600
        occupied = _occupied(hour, local.weekday())
        season = -math.cos(math.tau * (seconds % _YEAR / _YEAR - 0.05))
        noon = max(0.0, math.sin(math.pi * (hour - 6.5 + season) / (11 + 2 * season)))
        sun = noon if 4 < hour < 21 else 0.0
        outside = _outside(seconds, hour, season, climate)
        return cls(
            ts=DateTime(utc, climate.tz),
            seconds=seconds,
            hour=hour,
            occupied=occupied,
            outside=outside,
            sun=sun,
            cooling=_clamp((outside - 11) / 22 + 0.15 * sun) * (0.25 + 0.75 * occupied),
            heating=_clamp((17 - outside) / 28) * (0.55 + 0.45 * occupied),
        )


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))


def _occupied(hour: float, weekday: int) -> float:
    """People arrive from 6:30 to 8:30 and leave from 17:00 to 19:00."""
    share = _clamp((hour - 6.5) / 2) * _clamp((19 - hour) / 2)
    if weekday == 6:
        return 0.0
    return share * 0.25 if weekday == 5 else share


def _outside(seconds: int, hour: float, season: float, climate: Climate) -> float:
    days = seconds / _DAY
    fronts = math.sin(days / 1.31) + 0.7 * math.sin(days / 3.07 + 1)
    by_day = -math.cos(math.tau * (hour - 3) / 24)
    return (
        climate.mean + climate.by_year * season + climate.by_day * by_day + 1.9 * fronts
    )
