"""What the conjuncts of a condition, such as ``query.where``, do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In
from django.db.models.sql.where import AND, WhereNode

from ..kinds.scalars import Ref
from .expressions import TagEquals
from .joined import AllOf, Narrowed, SetsHold

__all__ = ["drives", "is_narrowed", "leaves_few", "names_ids"]

_BY_IDS = ("exact", "in", "one_of")


def drives(condition: Any) -> bool:
    """Whether a condition, such as ``query.where``, has a set of ids as a conjunct."""
    return any(isinstance(one, SetsHold) for one in _conjuncts(condition))


def is_narrowed(condition: Any) -> bool:
    """Whether a condition has a filter as a conjunct, which then finds the rows."""
    return any(isinstance(one, Narrowed) for one in _conjuncts(condition))


def names_ids(condition: Any) -> bool:
    """Whether a condition has a conjunct that only rows with given ids pass."""
    return any(
        getattr(one, "lookup_name", "") in _BY_IDS and _is_key(one.lhs)
        for one in _conjuncts(condition)
    )


def leaves_few(condition: Any) -> bool:
    """Whether a condition has a conjunct that only rows with some ids or a ref pass."""
    return any(map(_is_selective, _conjuncts(condition)))


def _is_selective(condition: Any) -> bool:
    if isinstance(condition, Exact | In):
        return _is_key(condition.lhs)
    return isinstance(condition, TagEquals) and isinstance(condition.test.literal, Ref)


def _is_key(column: Any) -> bool:
    return isinstance(column, Col) and column.target.primary_key


def _conjuncts(condition: Any) -> Iterator[Any]:
    if isinstance(condition, WhereNode):
        if condition.connector == AND and not condition.negated:
            for child in condition.children:
                yield from _conjuncts(child)
    elif isinstance(condition, Exact) and condition.rhs is True:
        yield from _conjuncts(condition.lhs)  # Django compares conditions with True
    elif isinstance(condition, AllOf) and not isinstance(condition, SetsHold):
        yield condition
        for term in condition.terms:
            yield from _conjuncts(term)
    else:
        yield condition
