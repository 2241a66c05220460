"""Haystack filters: text to tree, and what a tree means."""

from .ast import (
    And,
    Compare,
    Filter,
    Has,
    HasAny,
    IsSpec,
    IsSymbol,
    Missing,
    Or,
    reaches_out,
)
from .matcher import matches
from .parser import parse
from .symbols import resolved

__all__ = [
    "And",
    "Compare",
    "Filter",
    "Has",
    "HasAny",
    "IsSpec",
    "IsSymbol",
    "Missing",
    "Or",
    "matches",
    "parse",
    "reaches_out",
    "resolved",
]
