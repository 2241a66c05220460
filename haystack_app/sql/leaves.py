"""Terms of a filter that databases evaluate as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..filters.ast import And, Compare, Filter, Has, Missing, Or, Path
from ..kinds.scalars import Ref
from .fragments import Test

__all__ = ["Leaf", "both", "grouped", "is_selective", "leaf_of", "leaves_in"]


_FEW = 8
"""Equalities with Refs that indexes of tags answer one by one."""


class Leaf(NamedTuple):
    """A test of the value at a path."""

    path: Path
    test: Test


def leaf_of(tree: Filter) -> Leaf | None:
    """The test that a filter is, such as equality with any of several Refs."""
    if isinstance(tree, Has | Missing | Compare):
        return Leaf(tree.path, Test.of(tree))
    if not isinstance(tree, Or):
        return None
    path, *others = set(map(_path_to_ref, tree.terms)) or {()}
    if others or not path:
        return None
    if len(tree.terms) <= _FEW:
        return None
    ids = [term.value.id for term in tree.terms if isinstance(term, Compare)]
    return Leaf(path, Test("in", tuple(dict.fromkeys(ids))))


def grouped(tree: Filter) -> Filter:
    """The filter with many equalities of a path with Refs in an ``or`` of their own.

    They are one test then, and thousands cost as much as one. A term that is repeated
    is tested once.
    """
    if not isinstance(tree, And | Or):
        return tree
    terms = tuple(dict.fromkeys(tree.terms))
    if isinstance(tree, And):
        grouped_terms = tuple(map(grouped, terms))
        return And(grouped_terms) if len(grouped_terms) > 1 else grouped_terms[0]
    groups: dict[Path, list[Filter]] = {}
    others: list[Filter] = []
    for term in terms:
        path = _path_to_ref(term)
        groups.setdefault(path, []).append(term) if path else others.append(term)
    alternatives = list(map(grouped, others))
    for group in groups.values():
        alternatives.extend([Or(tuple(group))] if len(group) > _FEW else group)
    return Or(tuple(alternatives)) if len(alternatives) > 1 else alternatives[0]


def both(one: Filter, other: Filter) -> Filter:
    """The conjunction, whose terms are planned together."""
    trees = (one, other)
    return And(
        tuple(
            term
            for tree in trees
            for term in (tree.terms if isinstance(tree, And) else (tree,))
        )
    )


def leaves_in(tree: Filter) -> Iterator[Leaf]:
    """All tests of a filter, but those of symbols."""
    if leaf := leaf_of(tree):
        yield leaf
    elif isinstance(tree, And | Or):
        for term in tree.terms:
            yield from leaves_in(term)


def is_selective(term: Filter) -> bool:
    """Whether few rows are left: those that refer to one entity, or the entity."""
    return len(_path_to_ref(term)) == 1


def _path_to_ref(term: Filter) -> Path:
    """The path of an equality with a Ref; empty for other terms."""
    if isinstance(term, Compare) and term.op == "==" and isinstance(term.value, Ref):
        return term.path
    return ()
