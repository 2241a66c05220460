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
from .trash import NOT_TRASH, is_trash, without_trash

__all__ = [
    "NOT_TRASH",
    "And",
    "Compare",
    "Filter",
    "Has",
    "HasAny",
    "IsSpec",
    "IsSymbol",
    "Missing",
    "Or",
    "is_trash",
    "matches",
    "parse",
    "reaches_out",
    "resolved",
    "without_trash",
]
