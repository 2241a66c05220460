"""Haystack time zones: the last path segment of a tz database name.

``New_York`` stands for ``America/New_York`` (docHaystack, chapter TimeZones); full
names are an error on the wire. ``GMT-3`` is ``Etc/GMT-3``, three hours *ahead* of
GMT: the sign is POSIX's.

Zones, names and links come from the package tzdata, which is pinned, and never from
the machine: Debian's files, for example, give Oslo and Stockholm rules of their own.

The names are listed once, on first use, and a zone is loaded from disk on the first
request for its city; after that each function costs one dict lookup. Text that a client
sends is only looked up in that index and never becomes part of a path.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

__all__ = [
    "UnknownTimeZone",
    "cities",
    "city_name",
    "city_of",
    "database_names",
    "same_zone",
    "zone_of",
]

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
_NOT_ZONES: Final = frozenset(("Factory", "localtime"))
# Links of the tz database since its release 2024b, which the package keeps as zones of
# their own because their clocks differed before 1970.
_LINKS: Final = {
    "EST": "America/Panama",
    "EST5EDT": "America/New_York",
    "CST6CDT": "America/Chicago",
    "MST": "America/Phoenix",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "HST": "Pacific/Honolulu",
}


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
    targets: dict[str, str]
    """City to the tz database name that it is a link to, directly or not."""


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


def _database() -> Traversable:
    return files("tzdata")


@cache
def _index() -> _Index:
    names: dict[str, str] = {}
    cities: dict[str, str] = {}
    listed = (_database() / "zones").read_text("utf-8").split()
    for name in sorted(filter(_accepted, listed), key=_preference):
        city = name.rpartition("/")[2]
        names.setdefault(city, name)
        cities[name] = city
    links = _links()
    return _Index(
        names, cities, {city: _target(it, links) for city, it in names.items()}
    )


@cache
def _links() -> dict[str, str]:
    """Link names and what they are links to: lines ``L target name`` (zic(8)).

    Two zones are linked if their clocks have agreed since 1970 (tz database, theory).
    """
    text = (_database() / "zoneinfo" / "tzdata.zi").read_text("utf-8")
    lines = (line.split() for line in text.splitlines() if line.startswith("L "))
    return _LINKS | {name: target for _, target, name in lines}


def _target(name: str, links: dict[str, str]) -> str:
    while name in links:
        name = links[name]
    return name


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
    with _database().joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        zone = ZoneInfo.from_file(file, key=name)
    return _zones.setdefault(city, zone)


def same_zone(city: str, other: str) -> bool:
    """Whether two Haystack city names are names of one zone, as Kolkata and Calcutta.

    By the links of the tz database; UTC and GMT are different zones. Raises
    UnknownTimeZone.
    """
    return city == other or _resolved(city) == _resolved(other)


def _resolved(city: str) -> str:
    target = _index().targets.get(city)
    if target is None:
        raise UnknownTimeZone(city)
    return target


def city_name(name: str) -> str:
    """The city of a full tz database name (``America/New_York``, ``US/Eastern``).

    Any other text is returned unchanged.
    """
    if "/" not in name:
        return name
    cities = _index().cities
    return cities.get(name) or cities.get(_target(name, _links()), name)


def cities() -> tuple[str, ...]:
    """The names of all zones, as tags have them."""
    return tuple(_index().names)


def database_names() -> dict[str, str]:
    """The tz database names of all cities, and of the full names of zones."""
    index = _index()
    return {**{name: name for name in index.cities}, **index.names}


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
