"""Haystack filters: parser, syntax tree and evaluation."""

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
    traverses_refs,
)
from .matcher import matches
from .parser import parse
from .symbols import resolve_symbols

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
    "resolve_symbols",
    "traverses_refs",
]
