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
from .parser import parse, parse_at
from .points import with_history
from .symbols import resolve_symbols
from .times import is_relative, resolve_times
from .trash import IN_TRASH, NOT_TRASH, is_trash, without_trash

__all__ = [
    "IN_TRASH",
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
    "parse_at",
    "resolve_symbols",
    "resolve_times",
    "traverses_refs",
    "with_history",
    "without_trash",
]
