"""What SQLite's own index of tags has, as pairs of a name and a text.

``haystack_set_terms`` has the tag sets in which a name occurs, by an empty text, and
those in which some entity has had a value that many entities share, such as a unit.
``haystack_entity_values`` has the entities with any other text or whole number.

Both may have more than is true: a long text is cut, ``5`` and ``"5"`` are the same, and
a shared value of the past remains. So they find candidates, and the tag decides. Rows
that plain SQL changed are marked, and candidates of every filter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number

__all__ = [
    "DATE_TIME",
    "ENTITY_VALUES",
    "PRESENT",
    "SET_TERMS",
    "Pair",
    "pairs",
    "terms_of",
]

SET_TERMS = "haystack_set_terms"
ENTITY_VALUES = "haystack_entity_values"
PRESENT = ""
"""The text of a name that occurs in a tag set."""
DATE_TIME = "dateTime"
"""The text of any dateTime, for the paths that lead to a part of it."""
_LENGTH = 64
"""Characters of a text that are compared; migration 0017 has the same."""
_SHARED = frozenset({"hisMode", "kind", "tz", "unit"})
"""Tags with few distinct values, which would be a row of each point otherwise."""
_WHOLE = 2**53

Pair = tuple[str, str]


def terms_of(tags: Iterable[tuple[str, Any]]) -> tuple[list[Pair], list[Pair]]:
    """The terms of tag sets, and those of entities, from values or their JSON.

    Only Strs, Bools, dateTimes, and whole Numbers without a unit have terms.
    """
    shared: list[Pair] = []
    own: list[Pair] = []
    for name, value in tags:
        kind = type(value)
        if kind is str:
            (shared if name in _SHARED else own).append((name, value[:_LENGTH]))
        elif kind is bool:
            shared.append((name, "true" if value else "false"))
        elif kind is DateTime or (kind is dict and value.get("_kind") == "dateTime"):
            if name != "mod":  # which every entity has
                shared.append((name, DATE_TIME))
        elif (number := _whole(value)) is not None:
            own.append((name, str(number)))
    return shared, own


def _whole(value: Any) -> int | None:
    if isinstance(value, Number) and not value.unit:
        value = value.val
    if not isinstance(value, int | float) or not -_WHOLE < value < _WHOLE:
        return None
    return int(value) if value == int(value) else None


def pairs(found: Iterable[Pair]) -> str:
    """The parameter of a query for any of the pairs, which joins ``json_each``."""
    return orjson.dumps(sorted(found)).decode()
