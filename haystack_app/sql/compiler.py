"""Compiles a filter's tree to a ``Q``; the database evaluates the whole filter."""

from __future__ import annotations

from typing import TypeGuard

from django.db.models import Expression, Q, Value

from ..filters.ast import And, Compare, Filter, Has, HasAny, IsSpec, Missing, Or
from ..kinds.scalars import Ref
from . import postgres
from .expressions import (
    AllOf,
    AllPathsHold,
    AnyOf,
    AnyTagPresent,
    PathHolds,
    TagCompare,
    TagEquals,
    TagPresent,
)
from .fragments import Test

__all__ = ["compile_filter"]

_NOTHING = Value(False)


def compile_filter(tree: Filter) -> Q:
    """The condition on ``Entity`` that selects the rows of the filter."""
    terms = list(tree.terms) if isinstance(tree, And) else [tree]
    if any(map(_is_selective, terms)):
        return Q(_compile(tree, walk=True))
    paths = [term for term in terms if _is_set(term)]
    conditions = [_compile(term, walk=False) for term in terms if not _is_set(term)]
    if paths:
        sets = AllPathsHold([(term.path, Test.of(term)) for term in paths])
        conditions.insert(0, sets)
    return Q(AllOf(conditions)) if len(conditions) > 1 else Q(conditions[0])


def _is_set(term: Filter) -> TypeGuard[Has | Compare]:
    return isinstance(term, Has | Compare) and postgres.is_set(term.path, Test.of(term))


def _compile(tree: Filter, *, walk: bool) -> Expression:
    if isinstance(tree, And):
        # a Ref equality leaves few rows: following their paths one by one is faster
        # than collecting all ids from which the path leads to a match
        walk = walk or any(map(_is_selective, tree.terms))
        return AllOf([_compile(term, walk=walk) for term in tree.terms])
    if isinstance(tree, Or):
        return AnyOf([_compile(term, walk=walk) for term in tree.terms])
    if isinstance(tree, IsSpec) or tree == HasAny(()):
        return _NOTHING
    if isinstance(tree, HasAny):
        return AnyTagPresent(tree.names)
    assert isinstance(tree, Has | Missing | Compare), "symbols must be resolved first"
    return _leaf(tree, walk=walk)


def _leaf(tree: Has | Missing | Compare, *, walk: bool) -> Expression:
    if len(tree.path) > 1 or isinstance(tree, Missing):
        return PathHolds(tree.path, Test.of(tree), walk=walk)
    if isinstance(tree, Has):
        return TagPresent(tree.path[0])
    if tree.op == "==":
        return TagEquals(tree.path[0], tree.value)
    return TagCompare(tree.path[0], tree.op, tree.value)


def _is_selective(term: Filter) -> bool:
    return (
        isinstance(term, Compare)
        and term.op == "=="
        and len(term.path) == 1
        and isinstance(term.value, Ref)
    )
