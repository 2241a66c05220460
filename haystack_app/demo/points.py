"""The points of each kind of equipment in the demo."""

from __future__ import annotations

from typing import NamedTuple

from . import signals as s
from .climate import Moment, noise
from .signals import Signal

__all__ = ["POINTS", "PointSpec"]


class PointSpec(NamedTuple):
    """A point: the last part of its id, its markers, and its signal.

    ``quantity`` is a key of ``QUANTITIES``, ``bool``, or for a Str the values of its
    enum, whose indexes the signal returns. ``level`` is the priority level at which a
    writable point is commanded. ``tags`` must not contain the marker of the equipment:
    ``^equip`` would find the point.
    """

    name: str
    tags: str
    quantity: str
    signal: Signal
    his: bool = True
    level: int | None = None

    @property
    def kind(self) -> str:
        if self.quantity == "bool":
            return "Bool"
        return "Str" if "," in self.quantity else "Number"


P = PointSpec
_AHU_MODES = "unoccupied,warmup,occupied,economizer"
_VAV_MODES = "unoccupied,deadband,cooling,heating"
_SKIES = "clear,partlyCloudy,cloudy,rain"


def _ahu_mode(moment: Moment, seed: int) -> float:
    if s.is_running(moment, seed) == 0:
        return 0
    if moment.hour < 7:
        return 1
    return 3 if s.economizer(moment, seed) == 1 else 2


def _vav_mode(moment: Moment, seed: int) -> float:
    if s.is_running(moment, seed) == 0:
        return 0
    if s.is_cooling(moment, seed):
        return 2
    return 3 if s.is_heating(moment, seed) else 1


def _sky(moment: Moment, seed: int) -> float:
    hours = moment.seconds // 10_800
    return int((noise(seed, hours) + 1) * 1.99)


def _pump(fluid: str, load: Signal, runs: Signal) -> tuple[PointSpec, ...]:
    return (
        P("run", f"{fluid} water pump run sensor", "bool", runs),
        P("enable", f"{fluid} water pump enable cmd", "bool", runs, False, 16),
        P("speed", f"{fluid} water pump speed cmd", "percent", s.percent(load, 30)),
    )


_AHU = (
    P("discharge-temp", "discharge air temp sensor", "temp", s.discharge_temp),
    P("discharge-temp-sp", "discharge air temp sp", "temp", s.discharge_sp, True, 16),
    P("return-temp", "return air temp sensor", "temp", s.return_temp),
    P("mixed-temp", "mixed air temp sensor", "temp", s.mixed_temp),
    P("outside-temp", "outside air temp sensor", "temp", s.outside_temp),
    P("return-humidity", "return air humidity sensor", "humidity", s.about(46, 0.05)),
    P("return-co2", "return air co2 sensor", "co2", s.scaled(s.occupancy, 415, 870)),
    P(
        "discharge-pressure",
        "discharge air pressure sensor",
        "air-pressure",
        s.scaled(s.fan, 4, 350),
    ),
    P(
        "discharge-pressure-sp",
        "discharge air pressure sp",
        "air-pressure",
        s.constant(320),
        False,
        10,
    ),
    P(
        "discharge-flow",
        "discharge air flow sensor",
        "air-flow",
        s.scaled(s.fan, 0, 9_400),
    ),
    P("fan-run", "discharge air fan run sensor", "bool", s.is_running),
    P("fan-enable", "discharge air fan enable cmd", "bool", s.is_running, True, 16),
    P("fan-speed", "discharge air fan speed cmd", "percent", s.percent(s.fan)),
    P("fan-freq", "discharge air fan freq sensor", "freq", s.scaled(s.fan, 0, 58)),
    P(
        "outside-damper",
        "outside air damper cmd",
        "percent",
        s.percent(s.economizer),
        True,
        16,
    ),
    P("chw-valve", "chilled water valve cmd", "percent", s.percent(s.cooling)),
    P("hw-valve", "hot water valve cmd", "percent", s.percent(s.heating)),
    P("filter-status", "air filter sensor", "bool", s.is_dirty, False),
    P("mode", "hvacMode sp", _AHU_MODES, _ahu_mode, True, 16),
)
_VAV = (
    P("zone-temp", "zone air temp sensor", "temp", s.zone_temp),
    P(
        "cooling-sp",
        "zone air temp occ cooling sp",
        "temp",
        s.cooling_sp,
        False,
        16,
    ),
    P(
        "heating-sp",
        "zone air temp occ heating sp",
        "temp",
        s.heating_sp,
        False,
        16,
    ),
    P("discharge-temp", "discharge air temp sensor", "temp", s.reheat_temp),
    P(
        "discharge-flow",
        "discharge air flow sensor",
        "air-flow",
        s.scaled(s.fan, 0, 410),
    ),
    P("flow-sp", "discharge air flow sp", "air-flow", s.scaled(s.fan, 0, 400), False),
    P("damper", "discharge air damper cmd", "percent", s.percent(s.fan), True, 16),
    P("reheat-valve", "hot water reheat valve cmd", "percent", s.percent(s.heating)),
    P("occupied", "zone occupied sensor", "bool", s.is_occupied),
    P("mode", "hvacMode sensor", _VAV_MODES, _vav_mode),
)
_CHILLER = (
    P("run", "run sensor", "bool", s.is_cooling),
    P("enable", "enable cmd", "bool", s.is_cooling, True, 16),
    P(
        "leaving-temp",
        "chilled water leaving temp sensor",
        "temp",
        s.leaving(s.cooling, 9, 6),
    ),
    P("leaving-temp-sp", "chilled water leaving temp sp", "temp", s.constant(6.5)),
    P(
        "entering-temp",
        "chilled water entering temp sensor",
        "temp",
        s.leaving(s.cooling, 10, 13),
    ),
    P("flow", "chilled water flow sensor", "water-flow", s.scaled(s.cooling, 0, 38)),
    P("power", "elec power sensor", "power", s.scaled(s.cooling, 2, 310)),
)
_BOILER = (
    P("run", "run sensor", "bool", s.is_heating),
    P("enable", "enable cmd", "bool", s.is_heating, True, 16),
    P(
        "leaving-temp",
        "hot water leaving temp sensor",
        "temp",
        s.leaving(s.heating, 48, 78),
    ),
    P(
        "entering-temp",
        "hot water entering temp sensor",
        "temp",
        s.leaving(s.heating, 44, 61),
    ),
    P("firing-rate", "heating cmd", "percent", s.percent(s.heating)),
)
_ELEC = (
    P("energy", "elec active energy sensor", "energy", s.total(90)),
    P("power", "elec active power sensor", "power", s.rate(90)),
)

POINTS: dict[str, tuple[PointSpec, ...]] = {
    "ahu": _AHU,
    "vav": _VAV,
    "chw-plant": (
        P(
            "supply-temp",
            "chilled water leaving temp sensor",
            "temp",
            s.leaving(s.cooling, 9, 6.5),
        ),
        P(
            "return-temp",
            "chilled water entering temp sensor",
            "temp",
            s.leaving(s.cooling, 10, 13),
        ),
        P(
            "delta-pressure",
            "chilled water delta pressure sensor",
            "water-pressure",
            s.scaled(s.cooling, 8, 110),
        ),
        P("enable", "chilled water enable cmd", "bool", s.is_cooling, True, 8),
    ),
    "chiller": _CHILLER,
    "tower": (
        P("fan-run", "condenser fan run sensor", "bool", s.is_cooling),
        P("fan-speed", "condenser fan speed cmd", "percent", s.percent(s.cooling)),
        P(
            "leaving-temp",
            "condenser water leaving temp sensor",
            "temp",
            s.leaving(s.cooling, 18, 27),
        ),
    ),
    "chw-pump": _pump("chilled", s.cooling, s.is_cooling),
    "hw-plant": (
        P(
            "supply-temp",
            "hot water leaving temp sensor",
            "temp",
            s.leaving(s.heating, 47, 76),
        ),
        P(
            "return-temp",
            "hot water entering temp sensor",
            "temp",
            s.leaving(s.heating, 43, 60),
        ),
        P("enable", "hot water enable cmd", "bool", s.is_heating, True, 8),
    ),
    "boiler": _BOILER,
    "hw-pump": _pump("hot", s.heating, s.is_heating),
    "elec-main": (
        *_ELEC,
        P("volt", "elec volt sensor", "volt", s.about(400, 0.008)),
        P("power-factor", "elec pf sensor", "factor", s.about(0.93, 0.03)),
    ),
    "elec-sub": (
        P("energy", "elec active energy sensor", "energy", s.total(22)),
        P("power", "elec active power sensor", "power", s.rate(22)),
    ),
    "gas-main": (
        P("volume", "naturalGas volume sensor", "gas", s.total(7)),
        P("flow", "naturalGas flow sensor", "gas-flow", s.rate(7)),
    ),
    "water-main": (
        P("volume", "domestic water volume sensor", "volume", s.total(1.1)),
        P(
            "flow",
            "domestic water flow sensor",
            "water-flow",
            s.rate(1.1 / 3.6),
        ),
    ),
    "lights": (
        P("run", "lighting run sensor", "bool", s.is_lit),
        P("level", "lighting level cmd", "percent", s.percent(s.occupancy), True, 16),
        P("power", "elec power sensor", "power", s.scaled(s.occupancy, 0.4, 14)),
    ),
    "exhaust": (
        P("run", "exhaust air fan run sensor", "bool", s.is_running),
        P("enable", "exhaust air fan enable cmd", "bool", s.is_running, False, 16),
        P("flow", "exhaust air flow sensor", "air-flow", s.scaled(s.fan, 0, 900)),
    ),
    "dhw": (
        P(
            "tank-temp",
            "domestic hot water temp sensor",
            "temp",
            s.leaving(s.occupancy, 60, 56),
        ),
        P("tank-temp-sp", "domestic hot water temp sp", "temp", s.constant(60), False),
        P("run", "domestic hot water pump run sensor", "bool", s.is_running),
    ),
    "weather": (
        P("temp", "weather air temp sensor", "temp", s.outside_temp),
        P("humidity", "weather air humidity sensor", "humidity", s.humidity),
        P("wind-speed", "weather wind speed sensor", "wind", s.wind),
        P(
            "irradiance",
            "weather solar irradiance sensor",
            "irradiance",
            lambda moment, seed: 780 * moment.sun,
        ),
        P("cond", "weather weatherCond sensor", _SKIES, _sky),
        P(
            "daytime",
            "weather daytime sensor",
            "bool",
            lambda moment, seed: 1.0 if moment.sun > 0 else 0.0,
        ),
    ),
}
"""Points by kind of equipment."""
