"""Values of a building's points, as functions of a moment and a seed.

Values are in SI units (°C, Pa, L/s, kW); ``history`` converts them to the units of the
campus. The seed is derived from the point's id, so that all points differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .climate import Moment, noise

__all__ = ["Signal"]

Signal = Callable[[Moment, int], float]

_RUNNING = 0.02
_COMMISSIONED = 1_577_836_800
"""2020-01-01: meters start at 0."""


def _share(seed: int) -> float:
    """A value from 0 to 1 in which points differ."""
    return (seed >> 8 & 0xFFFF) / 0xFFFF


def constant(value: float) -> Signal:
    return lambda moment, seed: value


def about(value: float, spread: float = 0.02) -> Signal:
    return lambda moment, seed: value * (1 + spread * noise(seed, moment.seconds))


def is_running(moment: Moment, seed: int) -> float:
    return 1.0 if moment.occupied > _RUNNING else 0.0


def is_occupied(moment: Moment, seed: int) -> float:
    present = moment.occupied * (0.55 + 0.4 * _share(seed))
    return 1.0 if noise(seed, moment.seconds) * 0.5 + 0.5 < present else 0.0


def is_lit(moment: Moment, seed: int) -> float:
    return 1.0 if moment.occupied > 0.1 else 0.0


def is_cooling(moment: Moment, seed: int) -> float:
    return 1.0 if moment.cooling > 0.08 + 0.1 * _share(seed) else 0.0


def is_heating(moment: Moment, seed: int) -> float:
    return 1.0 if moment.heating > 0.06 + 0.1 * _share(seed) else 0.0


def is_dirty(moment: Moment, seed: int) -> float:
    """The state of a filter that is replaced about every 90 days."""
    days = moment.seconds / 86_400 + 90 * _share(seed)
    return 1.0 if days % 90 > 84 else 0.0


# -- percent ------------------------------------------------------------------


def percent(signal: Signal, low: float = 0, high: float = 100) -> Signal:
    """A fraction as a percentage between two bounds."""

    def read(moment: Moment, seed: int) -> float:
        share = signal(moment, seed) + 0.02 * noise(seed, moment.seconds)
        return low + (high - low) * min(1.0, max(0.0, share))

    return read


def cooling(moment: Moment, seed: int) -> float:
    return moment.cooling


def heating(moment: Moment, seed: int) -> float:
    return moment.heating


def occupancy(moment: Moment, seed: int) -> float:
    return moment.occupied


def fan(moment: Moment, seed: int) -> float:
    if moment.occupied <= _RUNNING:
        return 0.0
    return 0.45 + 0.4 * moment.cooling + 0.15 * _share(seed)


def economizer(moment: Moment, seed: int) -> float:
    """Fully open while outside air can cool, otherwise at its minimum."""
    if moment.occupied <= _RUNNING:
        return 0.0
    return 1.0 if 9 < moment.outside < 17 else 0.2


# -- temperatures -------------------------------------------------------------


def outside_temp(moment: Moment, seed: int) -> float:
    return moment.outside + 0.3 * noise(seed, moment.seconds)


def cooling_sp(moment: Moment, seed: int) -> float:
    return 23.5 if moment.occupied > _RUNNING else 27.0


def heating_sp(moment: Moment, seed: int) -> float:
    return 21.0 if moment.occupied > _RUNNING else 17.0


def zone_temp(moment: Moment, seed: int) -> float:
    own = 1.4 * (_share(seed) - 0.5)
    by_weather = (1 - moment.occupied) * (moment.outside - 20) * 0.09
    by_people = 0.7 * moment.occupied * math.sin(moment.hour / 3 + seed % 7)
    small = 0.12 * noise(seed, moment.seconds)
    return 22.3 + own + by_weather + by_people + small


def discharge_sp(moment: Moment, seed: int) -> float:
    return 15.5 - 2.5 * moment.cooling


def discharge_temp(moment: Moment, seed: int) -> float:
    if moment.occupied <= _RUNNING:
        return 19.0 + 0.1 * (moment.outside - 15)
    return discharge_sp(moment, seed) + 0.5 * noise(seed, moment.seconds)


def return_temp(moment: Moment, seed: int) -> float:
    return 22.6 + 0.8 * moment.occupied + 0.15 * noise(seed, moment.seconds)


def mixed_temp(moment: Moment, seed: int) -> float:
    open_ = economizer(moment, seed)
    return open_ * moment.outside + (1 - open_) * return_temp(moment, seed)


def reheat_temp(moment: Moment, seed: int) -> float:
    return 14.5 + 15 * moment.heating + 0.6 * noise(seed, moment.seconds)


def leaving(signal: Signal, idle: float, busy: float) -> Signal:
    """A water temperature that follows a load."""

    def read(moment: Moment, seed: int) -> float:
        load = signal(moment, seed)
        return idle + (busy - idle) * load + 0.2 * noise(seed, moment.seconds)

    return read


# -- the rest -----------------------------------------------------------------


def scaled(signal: Signal, idle: float, busy: float) -> Signal:
    """A fraction scaled to two bounds, with a few percent of variation per point."""

    def read(moment: Moment, seed: int) -> float:
        level = idle + (busy - idle) * signal(moment, seed)
        return level * (0.9 + 0.2 * _share(seed) + 0.03 * noise(seed, moment.seconds))

    return read


def humidity(moment: Moment, seed: int) -> float:
    by_day = 14 * math.cos(math.tau * (moment.hour - 5) / 24)
    return min(99.0, max(12.0, 58 + by_day + 4 * noise(seed, moment.seconds // 3600)))


def wind(moment: Moment, seed: int) -> float:
    gusts = math.sin(moment.seconds / 31_000) + math.sin(moment.seconds / 7_900)
    return max(0.0, 3.4 + 1.3 * gusts + 0.8 * noise(seed, moment.seconds))


def _swing(watts: float, hours: float) -> tuple[float, float]:
    """Power, and energy since 2020, with daily and weekly cycles."""
    day, week = math.tau / 24, math.tau / 168
    power = watts * (1 - 0.45 * math.cos(day * hours) + 0.2 * math.sin(week * hours))
    energy = watts * (
        hours - 0.45 / day * math.sin(day * hours) - 0.2 / week * math.cos(week * hours)
    )
    return power, energy


def _hours(moment: Moment, seed: int) -> float:
    """Hours since 2020, shifted so that the minimum is at night in both time zones."""
    return (moment.seconds - _COMMISSIONED) / 3600 - 3 + _share(seed)


def rate(mean: float) -> Signal:
    """The rate of a meter whose total is ``total`` with the same mean."""

    def read(moment: Moment, seed: int) -> float:
        power, _ = _swing(mean, _hours(moment, seed))
        return power * (1 + 0.02 * noise(seed, moment.seconds))

    return read


def total(mean: float) -> Signal:
    """A meter's total, which never decreases, for a mean rate per hour."""
    return lambda moment, seed: _swing(mean, _hours(moment, seed))[1]
