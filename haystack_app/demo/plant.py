"""Chilled and hot water plants, meters, and the occupancy schedule of a building."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ..kinds.grid import Grid
from ..kinds.scalars import Ref
from .site_builder import SiteBuilder, Tags

__all__ = ["fluid_of", "meters", "plants", "schedule"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat")


def schedule() -> Grid:
    """Occupied hours as a grid with one row per day."""
    rows: list[dict[str, Any]] = [
        {"day": day, "start": dt.time(7, 0), "end": dt.time(18, 30)} for day in _DAYS
    ]
    rows[-1]["end"] = dt.time(13, 0)
    return Grid.of(rows, meta={"dis": "Occupied hours"})


def fluid_of(record: Tags) -> str:
    return "chilled" if "chilled" in record else "hot"


def plants(site: SiteBuilder) -> Iterator[Tags]:
    """Chilled water, hot water and domestic hot water."""
    yield from _chilled_water(site)
    yield from _hot_water(site)
    yield from site.equip(
        "dhw", "dhw-1", "Domestic Hot Water", "domestic hot water heatExchanger"
    )


def _chilled_water(site: SiteBuilder) -> Iterator[Tags]:
    records = list(
        site.equip(
            "chw-plant", "chw-plant", "Chilled Water Plant", "chilled water plant"
        )
    )
    yield from records
    plant: Ref = records[0]["id"]
    for number in (1, 2):
        yield from site.equip(
            "chiller",
            f"chiller-{number}",
            f"Chiller {number}",
            "chiller centrifugal",
            equipRef=plant,
            installed=dt.date(2005 + site.seed % 15, 4, 2),
        )
        yield from site.equip(
            "chw-pump",
            f"chw-pump-{number}",
            f"Chilled Water Pump {number}",
            "chilled water pump motor",
            equipRef=plant,
        )
    yield from site.equip(
        "tower", "tower-1", "Cooling Tower", "coolingTower", equipRef=plant
    )


def _hot_water(site: SiteBuilder) -> Iterator[Tags]:
    records = list(
        site.equip("hw-plant", "hw-plant", "Hot Water Plant", "hot water plant")
    )
    yield from records
    plant: Ref = records[0]["id"]
    for number in (1, 2):
        yield from site.equip(
            "boiler",
            f"boiler-{number}",
            f"Boiler {number}",
            "boiler hot water naturalGasHeating",
            equipRef=plant,
        )
        yield from site.equip(
            "hw-pump",
            f"hw-pump-{number}",
            f"Hot Water Pump {number}",
            "hot water pump motor",
            equipRef=plant,
        )


_SUBMETERS = (("hvac", "HVAC"), ("lighting", "Lighting"), ("plug", "Plug Loads"))


def meters(site: SiteBuilder) -> Iterator[Tags]:
    """The building's meters: the main electric meter first, then its submeters."""
    records = list(
        site.equip("elec-main", "elec-main", "Elec Meter", "ac elec meter siteMeter")
    )
    yield from records
    main: Ref = records[0]["id"]
    for key, name in _SUBMETERS:
        yield from site.equip(
            "elec-sub",
            f"{key}.elec-sub",
            f"{name} Submeter",
            "elec meter submeter",
            elecRef=main,
        )
    yield from site.equip(
        "gas-main", "gas-main", "Gas Meter", "naturalGas meter siteMeter"
    )
    yield from site.equip(
        "water-main", "water-main", "Water Meter", "domestic water meter siteMeter"
    )
