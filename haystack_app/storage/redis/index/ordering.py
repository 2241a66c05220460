"""Ordered numbers for the search index: ``area > 100`` as a range of a field.

A field for each tag would have to be declared before the tag is known, so tags share
fields by a hash of their names. A field has the least and the greatest of its numbers:
a query for more than a bound compares the greatest. Units are left to the matcher,
which checks all candidates.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Mapping
from typing import Any

from ....filters.ast import And, Compare, Filter, Has, Or
from ....kinds.scalars import Number
from ....kinds.transient import TRANSIENT

__all__ = ["FIELDS", "bounds", "comparison", "ordered"]

_SLOTS = 64
FIELDS = [f"{end}{slot}" for slot in range(_SLOTS) for end in ("lo", "hi")]
_ABOVE, _BELOW = ">=", "<="
_SIGNS = {">": _ABOVE, ">=": _ABOVE, "<": _BELOW, "<=": _BELOW}
"""Bounds are inclusive in queries; infinities are stored as the largest number."""


def ordered(tree: Filter) -> Filter:
    """A filter with an additional term for each comparison that a field can narrow."""
    if isinstance(tree, And | Or):
        return type(tree)(tuple(ordered(term) for term in tree.terms))
    if isinstance(tree, Compare) and _is_range(tree):
        return Has((f"{tree.path[0]}{_SIGNS[tree.op]}{_finite(tree.value.val)!r}",))
    return tree


def _is_range(tree: Compare) -> bool:
    return (
        tree.op in _SIGNS
        and len(tree.path) == 1
        and isinstance(tree.value, Number)
        and not math.isnan(tree.value.val)
        and tree.path[0] not in TRANSIENT
    )


def comparison(term: str) -> tuple[str, str, str, str] | None:
    """Tag, field, least and greatest number of such a term; None for other terms."""
    for sign in (_ABOVE, _BELOW):
        tag, found, number = term.partition(sign)
        if found and "=" not in tag:
            if sign == _ABOVE:
                return tag, f"hi{_slot(tag)}", number, "+inf"
            return tag, f"lo{_slot(tag)}", "-inf", number
    return None


def bounds(record: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an entity; an invalid number would hide the whole document."""
    found: dict[str, float] = {}
    for tag, value in record.items():
        if isinstance(value, Number) and tag not in TRANSIENT:
            number = value.val
            if math.isnan(number):
                continue
            number, slot = _finite(number), _slot(tag)
            found[f"lo{slot}"] = min(number, found.get(f"lo{slot}", number))
            found[f"hi{slot}"] = max(number, found.get(f"hi{slot}", number))
    return {field: repr(number) for field, number in found.items()}


def _finite(number: float) -> float:
    return max(-sys.float_info.max, min(sys.float_info.max, number))


def _slot(tag: str) -> int:
    digest = hashlib.blake2b(tag.encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big") % _SLOTS
