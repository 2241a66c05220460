"""The two campuses and their buildings. All names are fictional."""

from __future__ import annotations

from dataclasses import dataclass

from .climate import Climate

__all__ = ["CAMPUSES", "Building", "Campus"]


@dataclass(frozen=True, slots=True)
class Building:
    """One site. All sites of a demo, including copies, are in different cities."""

    name: str
    city: str
    lat: float
    lng: float
    square_meters: int
    year_built: int
    floors: int


@dataclass(frozen=True, slots=True)
class Campus:
    key: str
    name: str
    climate: Climate
    is_metric: bool
    country: str
    state: str
    buildings: tuple[Building, ...]


_NORTH = Campus(
    "north",
    "Northfield",
    Climate("New_York", mean=10.5, by_year=12, by_day=4.2),
    False,
    "US",
    "NY",
    (
        Building("Northfield Hall", "Springfield", 42.41, -75.02, 14_200, 1998, 3),
        Building("Northfield Labs", "Springfield Mills", 42.44, -75.1, 11_800, 2011, 3),
    ),
)
_SOUTH = Campus(
    "south",
    "Southbrook",
    Climate("London", mean=11.2, by_year=7, by_day=3.1),
    True,
    "GB",
    "England",
    (
        Building("Southbrook House", "Ashwater", 51.38, -0.61, 9_600, 1974, 3),
        Building("Southbrook Tower", "Ashwater Cross", 51.36, -0.58, 16_900, 2019, 3),
    ),
)
CAMPUSES = {campus.key: campus for campus in (_NORTH, _SOUTH)}
