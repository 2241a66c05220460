"""Paths of a filter as equalities with Refs, by the ids of the path's targets.

``siteRef->geoCity == "Hugo"`` becomes ``siteRef == @a or siteRef == @b`` if the index
has the cities, or if the tag can be followed without a ref. Only for ``planner.plan``:
the result matches all that the filter matches, and the matcher decides.
"""

from __future__ import annotations

from collections.abc import Callable

from ..kinds.scalars import Ref
from ..kinds.transient import TRANSIENT
from .ast import And, Compare, Filter, Has, Or
from .planner import steppable

__all__ = ["Targets", "narrowed"]

Targets = Callable[[Filter], "list[str] | None"]
"""Ids of all entities that may match a filter; None if they are too many."""


def narrowed(tree: Filter, targets: Targets) -> Filter:
    """The filter, or one that matches more, with as few paths as possible."""
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
