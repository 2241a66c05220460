"""The planner's terms as text, and filters as conjunctions of them.

``has:tag`` is the tag's name, ``eq:tag=value`` adds a ``=`` and the value; a ``>``
after the name says that a path can continue inside the value. Equal values have equal
texts; long and special ones are hashed, for the matcher checks all results of the
index.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ....filters.planner import AllOf, AnyOf, Everything, Plan, Term, terms_of
from ....kinds.datetimes import DateTime
from ....kinds.scalars import Number, Ref, Symbol, Uri
from ....kinds.transient import TRANSIENT

__all__ = ["MOST_TARGETS", "Conjunction", "conjunctions", "term_texts"]

MOST_TARGETS = 400
"""Limit of targets of a path that are looked up; with more, its first tag is used."""

Conjunction = frozenset[str]
"""Terms that must all match; ``@id`` is a single entity. Empty: all entities."""

_EVERYTHING: Conjunction = frozenset()
_MOST = MOST_TARGETS + 100
"""Maximum number of conjunctions of a product of alternatives."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:+~-]{1,64}", re.ASCII)
_EVERYWHERE = {"id", "mod"}
"""Tags of every entity, whose terms would not narrow a query."""
_LETTERS: dict[type, str] = {
    bool: "b",
    str: "s",
    Number: "n",
    Ref: "r",
    Uri: "u",
    Symbol: "y",
    dt.date: "d",
    dt.time: "t",
    DateTime: "m",
}


def term_texts(record: Mapping[str, Any]) -> set[str]:
    """The terms of an entity.

    Values of transient tags have no terms: they change too often for an index.
    """
    return {text for term in terms_of(record) if (text := _text(term))}


def conjunctions(plan: Plan) -> list[Conjunction]:
    """Alternatives whose results together include all results of the plan."""
    found = _alternatives(plan)
    return [_EVERYTHING] if _EVERYTHING in found else list(found)


def _alternatives(plan: Plan) -> dict[Conjunction, None]:
    """Keys of a dict, which are distinct and ordered."""
    if isinstance(plan, Term):
        return {frozenset([text] if (text := _query_term(plan)) else []): None}
    if isinstance(plan, Everything):
        return {_EVERYTHING: None}
    parts = [_alternatives(part) for part in plan.parts]
    if isinstance(plan, AnyOf):
        return {one: None for part in parts for one in part}
    assert isinstance(plan, AllOf)
    return _product(parts)


def _product(parts: Iterable[dict[Conjunction, None]]) -> dict[Conjunction, None]:
    """Parts with too many conjunctions are left to the matcher."""
    found: dict[Conjunction, None] = {_EVERYTHING: None}
    for part in sorted(parts, key=len):
        if len(found) * len(part) > _MOST and _EVERYTHING not in found:
            break
        found = {one | other: None for one in found for other in part}
    return found


def _query_term(term: Term) -> str:
    """The term to query; empty if every entity may have it."""
    if term.tag == "id" and term.value is not None and term.value[0] is Ref:
        return f"@{term.value[1].id}"
    return _text(term) or ("" if term.tag in _EVERYWHERE else term.tag)


def _text(term: Term) -> str:
    """The text of a term; empty if it is not indexed."""
    if term.tag in _EVERYWHERE:
        return ""
    if term.value is None:
        return term.tag
    return "" if term.tag in TRANSIENT else f"{term.tag}={_value_text(*term.value)}"


def _value_text(kind: type, value: Any) -> str:
    letter = _LETTERS[kind]
    text = _plain_text(value)
    if _PLAIN.fullmatch(text):
        return f"{letter}:{text}"
    data = text.encode(errors="surrogatepass")
    return f"{letter}#{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def _plain_text(value: Any) -> str:
    if isinstance(value, Number):
        # minus zero is zero
        return f"{value.val + 0.0!r}" + (f":{value.unit}" if value.unit else "")
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, Uri):
        return value.val
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
