"""A filter as a boolean combination of index terms, for stores with sets of ids.

The ids of a plan are a superset of the filter's result; the matcher decides on each
candidate. A record is indexed under every term that ``terms_of`` yields for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref, Symbol, Uri
from ..kinds.transient import TRANSIENT
from .ast import And, Compare, Filter, Has, HasAny, IsSpec, Missing, Or
from .times import LocalDay

__all__ = [
    "AllOf",
    "AnyOf",
    "Everything",
    "Plan",
    "Term",
    "candidates",
    "plan",
    "steppable",
    "terms_of",
]

_COMPARABLE = (bool, str, Number, Ref, Uri, Symbol, dt.date, dt.time, DateTime)

_NOT_STEPPABLE = TRANSIENT | {"mod"}
"""Every record has a mod; transient tags change too often for an index."""


@dataclass(frozen=True, slots=True)
class Term:
    """``has:tag`` when ``value`` is None, else ``eq:tag=value``."""

    tag: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """No term narrows the filter, so every record is a candidate."""


Plan = Term | AllOf | AnyOf | Everything


def plan(tree: Filter) -> Plan:
    """A plan whose ids include every record that matches the filter."""
    if isinstance(tree, And):
        parts = [part for term in tree.terms if (part := plan(term)) != Everything()]
        return AllOf(tuple(parts)) if parts else Everything()
    if isinstance(tree, Or):
        parts = [plan(term) for term in tree.terms]
        return Everything() if Everything() in parts else AnyOf(tuple(parts))
    if isinstance(tree, Compare) and tree.op == "==" and len(tree.path) == 1:
        if isinstance(tree.value, LocalDay):  # of Dates and DateTimes
            return Term(tree.path[0])
        return Term(tree.path[0], _key(tree.value))
    if isinstance(tree, Compare | Has):
        return Term(tree.path[0])
    if isinstance(tree, HasAny):
        return AnyOf(tuple(Term(name) for name in tree.names))
    if isinstance(tree, IsSpec):
        return AnyOf(())
    assert isinstance(tree, Missing), "symbols must be resolved first"
    return Everything()


def terms_of(record: Mapping[str, Any]) -> Iterator[Term]:
    """The terms that a record is indexed under."""
    for tag, value in record.items():
        yield Term(tag)
        if isinstance(value, dict | DateTime) and tag not in _NOT_STEPPABLE:
            yield Term(steppable(tag))
        if isinstance(value, list):
            for ref in {item for item in value if isinstance(item, Ref)}:
                yield Term(tag, _key(ref))
        elif isinstance(value, _COMPARABLE):
            yield Term(tag, _key(value))


def steppable(tag: str) -> str:
    """The term of a tag whose value a path can continue in without a ref."""
    return f"{tag}>"


def candidates(
    plan: Plan, ids_of: Callable[[Term], set[str]], everything: Callable[[], set[str]]
) -> set[str]:
    """The ids of the plan. Callers must not modify the set."""
    if isinstance(plan, Term):
        return ids_of(plan)
    if isinstance(plan, Everything):
        return everything()
    found = [candidates(part, ids_of, everything) for part in plan.parts]
    if isinstance(plan, AllOf):
        found.sort(key=len)
        return found[0].intersection(*found[1:]) if len(found) > 1 else found[0]
    return set().union(*found)


def _key(value: Any) -> Any:
    """A key that is the same for equal values: dateTimes compare by instant."""
    return (
        (type(value), value.utc)
        if isinstance(value, DateTime)
        else (type(value), value)
    )
