"""Compiles a filter's tree to a ``Q``; the database evaluates the whole filter."""

from __future__ import annotations

from django.db.models import Expression, Q, Value

from ..filters.ast import And, Filter, HasAny, IsSpec, Or
from .expressions import AnyTagPresent, PathHolds, TagCompare, TagEquals, TagPresent
from .joined import AllOf, AnyOf, Narrowed, SetsHold, TestedRows
from .leaves import Leaf, grouped, is_selective, leaf_of, leaves_in
from .sets import sets_among

__all__ = ["compile_filter", "conjuncts"]

_NOTHING = Value(False)
_FEW_ARROWS = 8


def compile_filter(tree: Filter, *, walk: bool = False, drives: bool = True) -> Q:
    """The condition on ``Entity`` that selects the rows of the filter.

    With ``walk``, which is for few rows, paths are followed from each row. Without
    ``drives``, SQLite does not look for the rows in its index.
    """
    if walk:
        tree = grouped(tree)
        return Q(_compile(tree, walk=True, many=_has_many(tree)))
    sets, conditions = conjuncts(tree)
    terms = conditions
    if sets:
        terms = [sets, TestedRows(conditions)] if conditions else [sets]
    condition = AllOf(terms) if len(terms) > 1 else terms[0]
    return Q(Narrowed(tree, condition, drives=drives))


def conjuncts(tree: Filter) -> tuple[SetsHold | None, list[Expression]]:
    """The part of a filter that drives statements as a set of ids, and the rest."""
    tree = grouped(tree)
    terms = list(tree.terms) if isinstance(tree, And) else [tree]
    many = _has_many(tree)
    if any(map(is_selective, terms)):
        return None, [_compile(tree, walk=True, many=many)]
    sets = sets_among(terms)
    conditions, held = (
        [_compile(it, walk=False, many=many) for it in terms if (it in sets) == is_set]
        for is_set in (False, True)
    )
    return SetsHold(sets, held) if sets else None, conditions


def _has_many(tree: Filter) -> bool:
    """Whether following the paths from a row costs more than a look-up or two."""
    return sum(len(leaf.path) - 1 for leaf in leaves_in(tree)) > _FEW_ARROWS


def _compile(tree: Filter, *, walk: bool, many: bool) -> Expression:
    if leaf := leaf_of(tree):
        return _condition(leaf, walk=walk, many=many)
    if isinstance(tree, And):
        # a Ref equality leaves few rows: following their paths one by one is faster
        # than collecting all ids from which the path leads to a match
        walk = walk or any(map(is_selective, tree.terms))
        return AllOf([_compile(term, walk=walk, many=many) for term in tree.terms])
    if isinstance(tree, Or):
        return AnyOf([_compile(term, walk=walk, many=many) for term in tree.terms])
    if isinstance(tree, IsSpec) or tree == HasAny(()):
        return _NOTHING
    assert isinstance(tree, HasAny), "symbols must be resolved first"
    return AnyTagPresent(tree.names)


def _condition(leaf: Leaf, *, walk: bool, many: bool) -> Expression:
    path, test = leaf
    if len(path) > 1 or test.op in ("missing", "in"):
        is_path = len(path) > 1
        return PathHolds(path, test, walk=walk and is_path, many=many)
    if test.op == "has":
        return TagPresent(path[0])
    if test.op == "==":
        return TagEquals(path[0], test.literal)
    return TagCompare(path[0], test.op, test.literal)
