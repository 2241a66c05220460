"""Haystack time zones: the last path segment of a tz database name.

``New_York`` stands for ``America/New_York`` (docHaystack, chapter TimeZones); full
names are an error on the wire. ``GMT-3`` is ``Etc/GMT-3``, three hours *ahead* of
GMT: the sign is POSIX's.

The names are listed once, on first use, and a zone is loaded from disk on the first
request for its city; after that each function costs one dict lookup. Text that a client
sends is only looked up in that index and never becomes part of a path.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

__all__ = ["UnknownTimeZone", "city_of", "zone_of"]

# Other regions ("US/Pacific", "Canada/Central") are outdated links whose last segment
# is not a city.
_REGIONS: Final = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Etc",
        "Europe",
        "Indian",
        "Pacific",
    )
)
# Files of the tz database or of the host that are not zones.
_NOT_ZONES: Final = frozenset(("Factory", "leapseconds", "localtime", "posixrules"))


class UnknownTimeZone(ValueError):
    """A name that is not the city of a time zone."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown time zone {name!r}")
        self.name = name

    def __reduce__(self) -> tuple[type[UnknownTimeZone], tuple[str]]:
        return type(self), (self.name,)


class _Index(NamedTuple):
    names: dict[str, str]
    """City to tz database name."""
    cities: dict[str, str]
    """Tz database name to city, for every accepted name."""


def _accepted(name: str) -> bool:
    region, slash, _ = name.partition("/")
    return region in _REGIONS if slash else name not in _NOT_ZONES


def _preference(name: str) -> tuple[int, int, str]:
    """Sort key for the names of one city: shallowest, shortest, then alphabetical.

    Names that share a city are links to each other (``America/Louisville`` and
    ``America/Kentucky/Louisville``, ``Asia/Nicosia`` and ``Europe/Nicosia``), so the
    choice decides the key of the zone and not its rules. If the database ever has two
    different zones for one city, the shallower path wins.
    """
    return name.count("/"), len(name), name


@cache
def _index() -> _Index:
    names: dict[str, str] = {}
    cities: dict[str, str] = {}
    for name in sorted(filter(_accepted, available_timezones()), key=_preference):
        city = name.rpartition("/")[2]
        names.setdefault(city, name)
        cities[name] = city
    return _Index(names, cities)


# Contains known cities only, so clients cannot make it grow.
_zones: Final[dict[str, ZoneInfo]] = {}


def zone_of(city: str) -> ZoneInfo:
    """The zone of a Haystack city name. Raises UnknownTimeZone."""
    zone = _zones.get(city)
    return zone if zone is not None else _load(city)


def _load(city: str) -> ZoneInfo:
    name = _index().names.get(city)
    if name is None:
        raise UnknownTimeZone(city)
    try:
        zone = ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise UnknownTimeZone(city) from error
    return _zones.setdefault(city, zone)


def city_of(zone: ZoneInfo | str) -> str:
    """The Haystack city name of a zone or of a full tz database name.

    Raises UnknownTimeZone for names without a city (``US/Pacific``) and for zones
    that were read from a file and therefore have no key.
    """
    name = zone if isinstance(zone, str) else zone.key
    city = _index().cities.get(name)
    if city is None:
        raise UnknownTimeZone(str(name))
    return city
