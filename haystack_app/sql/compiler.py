"""Compiles a filter's tree to a ``Q``; the database evaluates the whole filter."""

from __future__ import annotations

from django.db.models import Expression, Q, Value

from ..filters.ast import And, Filter, HasAny, IsSpec, Or
from .expressions import (
    AllOf,
    AnyOf,
    AnyTagPresent,
    PathHolds,
    SetsHold,
    TagCompare,
    TagEquals,
    TagPresent,
    TestedRows,
)
from .leaves import Leaf, grouped, is_selective, leaf_of
from .sets import sets_among

__all__ = ["compile_filter", "conjuncts"]

_NOTHING = Value(False)


def compile_filter(tree: Filter, *, walk: bool = False) -> Q:
    """The condition on ``Entity`` that selects the rows of the filter.

    With ``walk``, which is for few rows, paths are followed from each row.
    """
    if walk:
        return Q(_compile(grouped(tree), walk=True))
    sets, conditions = conjuncts(tree)
    terms = conditions
    if sets:
        terms = [sets, TestedRows(conditions)] if conditions else [sets]
    return Q(AllOf(terms)) if len(terms) > 1 else Q(terms[0])


def conjuncts(tree: Filter) -> tuple[SetsHold | None, list[Expression]]:
    """The part of a filter that drives statements as a set of ids, and the rest."""
    tree = grouped(tree)
    terms = list(tree.terms) if isinstance(tree, And) else [tree]
    if any(map(is_selective, terms)):
        return None, [_compile(tree, walk=True)]
    sets = sets_among(terms)
    conditions = [_compile(term, walk=False) for term in terms if term not in sets]
    held = [_compile(term, walk=False) for term in sets]
    return SetsHold(sets, held) if sets else None, conditions


def _compile(tree: Filter, *, walk: bool) -> Expression:
    if leaf := leaf_of(tree):
        return _condition(leaf, walk=walk)
    if isinstance(tree, And):
        # a Ref equality leaves few rows: following their paths one by one is faster
        # than collecting all ids from which the path leads to a match
        walk = walk or any(map(is_selective, tree.terms))
        return AllOf([_compile(term, walk=walk) for term in tree.terms])
    if isinstance(tree, Or):
        return AnyOf([_compile(term, walk=walk) for term in tree.terms])
    if isinstance(tree, IsSpec) or tree == HasAny(()):
        return _NOTHING
    assert isinstance(tree, HasAny), "symbols must be resolved first"
    return AnyTagPresent(tree.names)


def _condition(leaf: Leaf, *, walk: bool) -> Expression:
    path, test = leaf
    if len(path) > 1 or test.op in ("missing", "in"):
        return PathHolds(path, test, walk=walk and len(path) > 1)
    if test.op == "has":
        return TagPresent(path[0])
    if test.op == "==":
        return TagEquals(path[0], test.literal)
    return TagCompare(path[0], test.op, test.literal)
