"""Paths of a filter as questions to the index: who refers to what the rest holds for.

``siteRef->geoCity == "Hugo"`` becomes ``siteRef == @a or siteRef == @b`` where the
index knows the cities, or the tag may be followed without a ref. What comes out is
for the planner alone: it holds wherever the filter does, and the matcher decides.
"""

from __future__ import annotations

from collections.abc import Callable

from ....filters.ast import And, Compare, Filter, Has, Or
from ....kinds.scalars import Ref
from ....kinds.transient import TRANSIENT

__all__ = ["MOST_TARGETS", "Targets", "narrowed", "steppable"]

MOST_TARGETS = 400
"""Entities at a path's end that are looked up; beyond, its first tag narrows enough."""

Targets = Callable[[Filter], "list[str] | None"]
"""Ids of all that a filter may hold for; None where they are too many."""


def narrowed(tree: Filter, targets: Targets) -> Filter:
    """The same filter, or one that holds for more, with as few paths as may be."""
    if isinstance(tree, And | Or):
        return type(tree)(tuple(narrowed(term, targets) for term in tree.terms))
    if isinstance(tree, Has | Compare) and len(tree.path) > 1:
        return _referring(tree, targets)
    return tree


def _referring(tree: Has | Compare, targets: Targets) -> Filter:
    name, *rest = tree.path
    if name == "mod" or name in TRANSIENT:
        return Has((name,))
    end = (
        Has(tuple(rest))
        if isinstance(tree, Has)
        else Compare(tuple(rest), tree.op, tree.value)
    )
    ids = targets(narrowed(end, targets))
    if ids is None:
        return Has((name,))
    refs: list[Filter] = [Compare((name,), "==", Ref(id)) for id in ids]
    return Or((*refs, Has((steppable(name),))))


def steppable(name: str) -> str:
    """The term of a tag whose value can be followed without a ref."""
    return f"{name}>"
