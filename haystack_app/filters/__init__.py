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
from .guards import UNGUARDED, Guard
from .matcher import matches
from .parser import parse
from .symbols import resolve_symbols
from .times import is_relative, resolve_times
from .trash import NOT_TRASH, is_trash, without_trash

__all__ = [
    "NOT_TRASH",
    "UNGUARDED",
    "And",
    "Compare",
    "Filter",
    "Guard",
    "Has",
    "HasAny",
    "IsSpec",
    "IsSymbol",
    "Missing",
    "Or",
    "is_relative",
    "is_trash",
    "matches",
    "parse",
    "resolve_symbols",
    "resolve_times",
    "traverses_refs",
    "without_trash",
]
