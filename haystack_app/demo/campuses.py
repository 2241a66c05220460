"""The entities of the campuses: sites, spaces, equipment and points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ..kinds.scalars import NA, Coord, Number, Ref, Symbol, Uri, XStr
from . import plant
from .site_builder import EPOCH, SiteBuilder, Tags, markers
from .sites import CAMPUSES, Building, Campus

__all__ = ["entities"]

_AHUS = 2
_VAVS = 10
_CONTROLLER_MODELS = ("AC-40", "AC-60")


def entities(
    copy: int | None = None, at: dt.datetime = EPOCH
) -> Iterator[dict[str, Any]]:
    """About 1,500 records of two campuses.

    With ``copy``, ids, names and cities are made unique by that number. Transient tags
    have their values at the time ``at``.
    """
    for campus in CAMPUSES.values():
        mark = "" if copy is None else f"-{copy}"
        name = campus.name if copy is None else f"{campus.name} {copy}"
        station = Ref(f"{campus.key}{mark}.weather", f"{name} Weather")
        sites = [
            _site(campus, building, number, copy, station, at)
            for number, building in enumerate(campus.buildings, 1)
        ]
        yield from _weather(campus, sites[0], station)
        for site, building in zip(sites, campus.buildings, strict=True):
            yield _site_record(site, building, copy, sites)
            yield from _building(site, building)


def _site(
    campus: Campus,
    building: Building,
    number: int,
    copy: int | None,
    station: Ref,
    at: dt.datetime,
) -> SiteBuilder:
    mark = "" if copy is None else f"-{copy}"
    name = building.name if copy is None else f"{building.name} {copy}"
    prefix = f"{campus.key}{mark}.b{number}"
    return SiteBuilder(campus, prefix, Ref(prefix, name), station, at)


def _site_record(
    site: SiteBuilder, building: Building, copy: int | None, campus: list[SiteBuilder]
) -> Tags:
    city = building.city if copy is None else f"{building.city} {copy}"
    area = building.square_meters
    metric = site.campus.is_metric
    return {
        "id": site.ref,
        **markers("site"),
        "dis": site.name,
        "tz": site.campus.climate.tz,
        "area": Number(area, "m²") if metric else Number(round(area * 10.7639), "ft²"),
        "yearBuilt": Number(building.year_built),
        "geoCity": city,
        "geoCountry": site.campus.country,
        "geoState": site.campus.state,
        "geoAddr": f"{site.seed % 80 + 1} College Road, {city}",
        "geoCoord": Coord(building.lat, building.lng),
        "weatherStationRef": site.station,
        "campusSiteRefs": [other.ref for other in campus],
        "occStart": dt.time(7, 0),
        "occEnd": dt.time(18, 30),
        "lastInspection": dt.date(2024, 1 + site.seed % 12, 1 + site.seed % 28),
        "commissioned": site.instant(building.year_built + 1, 3, 1, 9),
        "publicAccess": building.year_built < 2000,
        "floorPlans": Uri(f"https://campus.example/{site.prefix}/plans.pdf"),
        "mapColor": XStr("Color", f"#{site.seed & 0xFFFFFF:06x}"),
        "heatLossRating": NA,
        "contact": {
            "dis": "Facility desk",
            "phone": f"555-01{site.seed % 100:02d}",
            "hours": {"from": dt.time(6, 30), "to": dt.time(20, 0)},
            "siteRef": site.ref,
        },
        "occSchedule": plant.schedule(),
    }


def _weather(campus: Campus, first: SiteBuilder, station: Ref) -> Iterator[Tags]:
    building = campus.buildings[0]
    yield {
        "id": station,
        **markers("weatherStation"),
        "dis": station.dis,
        "tz": campus.climate.tz,
        "geoCoord": Coord(building.lat + 0.01, building.lng - 0.01),
        "geoElevation": Number(182 if campus.is_metric else 1130, _length(campus)),
    }
    for record in first.points("weather", station, station.dis or ""):
        for name in ("siteRef", "equipRef"):
            record.pop(name)
        yield {**record, "weatherStationRef": station}


def _length(campus: Campus) -> str:
    return "m" if campus.is_metric else "ft"


def _building(site: SiteBuilder, building: Building) -> Iterator[Tags]:
    floors = [
        site.space(f"floor-{level}", f"Floor {level}", "floor", floorNum=Number(level))
        for level in range(1, building.floors + 1)
    ]
    yield from floors
    refs = [floor["id"] for floor in floors]
    meters = list(plant.meters(site))
    yield from meters
    plants = {}
    for record in plant.plants(site):
        if "plant" in record and "equip" in record:
            plants[plant.fluid_of(record)] = record["id"]
        yield record
    network = site.record(
        "network", "BACnet Network", "network", uri=Uri(f"bacnet://{site.prefix}:47808")
    )
    yield network
    for number in range(1, _AHUS + 1):
        yield from _air_handler(site, number, refs, plants, network["id"])
    for level, floor in enumerate(refs, 1):
        yield from site.equip(
            "lights",
            f"lights-{level}",
            f"Lighting {level}",
            "lighting",
            spaceRef=floor,
            elecRef=meters[0]["id"],
        )
    for number in (1, 2):
        yield from site.equip(
            "exhaust", f"exhaust-{number}", f"Exhaust Fan {number}", "exhaust fan motor"
        )


def _air_handler(
    site: SiteBuilder,
    number: int,
    floors: list[Ref],
    plants: dict[str, Ref],
    network: Ref,
) -> Iterator[Tags]:
    key, name = f"ahu-{number}", f"AHU-{number}"
    controller = site.record(
        f"controller-{number}",
        f"{name} Controller",
        "device controller",
        networkRef=network,
        model=_CONTROLLER_MODELS[number % 2],
        addr={"net": Number(2001), "mac": Number(10 + number), "protocol": "bacnet"},
    )
    yield controller
    records = list(
        site.equip(
            "ahu",
            key,
            name,
            "ahu airHandlingEquip singleDuct chilledWaterCooling hotWaterHeating",
            spaceRef=floors[0],
            chilledWaterRef=plants["chilled"],
            hotWaterRef=plants["hot"],
            deviceRef=controller["id"],
            installed=dt.date(2008 + site.seed % 12, 5, 14),
            servesRefs=floors,
            ductType=Symbol("singleDuct"),
        )
    )
    yield from records
    for unit in range(1, _VAVS + 1):
        yield from _terminal(site, number, unit, floors, records[0]["id"])


def _terminal(
    site: SiteBuilder, ahu: int, unit: int, floors: list[Ref], ahu_ref: Ref
) -> Iterator[Tags]:
    floor = floors[(unit - 1) % len(floors)]
    other = Ref(
        f"{site.prefix}.ahu-{ahu % _AHUS + 1}", f"{site.name} AHU-{ahu % 2 + 1}"
    )
    room = site.space(
        f"room-{ahu}{unit:02d}",
        f"Room {ahu}{unit:02d}",
        "room hvac zone",
        spaceRef=floor,
        area=Number(22 + (unit * 7 + ahu) % 31, "m²"),
    )
    # rooms between two air handlers are served by both
    shared = unit == _VAVS
    room["ahuRefs"] = [ahu_ref, other] if shared else [ahu_ref]
    yield room
    yield from site.equip(
        "vav",
        f"vav-{ahu}-{unit}",
        f"VAV-{ahu}-{unit}",
        "vav airTerminalUnit hotWaterHeating",
        spaceRef=room["id"],
        airRef=ahu_ref,
        critical=unit % 5 == 0,
        designData={
            "flowMax": Number(
                420 if site.campus.is_metric else 890, site.unit("air-flow")
            ),
            "diameter": Number(200, "mm"),
            "ahuRef": ahu_ref,
        },
    )
