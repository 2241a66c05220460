"""The value types of Project Haystack, independent of Django and of wire formats."""

from .datetimes import DateTime
from .grid import Col, Grid
from .scalars import (
    MARKER,
    NA,
    REMOVE,
    Coord,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
    is_tag_name,
)
from .units import UnknownUnit

__all__ = [
    "MARKER",
    "NA",
    "REMOVE",
    "Col",
    "Coord",
    "DateTime",
    "Grid",
    "Number",
    "Ref",
    "Symbol",
    "UnknownUnit",
    "Uri",
    "XStr",
    "is_tag_name",
]
