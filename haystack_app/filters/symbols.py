"""``^symbol`` in terms of tags.

A record implements a def when it has the tags of the def itself or of one of its
subtypes; which these are, a namespace says. Source: docHaystack Filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .ast import And, Filter, Has, HasAny, IsSymbol, Or

__all__ = ["Implementations", "resolved"]

Implementations = Callable[[str], Iterable[frozenset[str]]]
"""The sets of tags, any of which makes a record implement a symbol."""


def resolved(tree: Filter, implementations: Implementations) -> Filter:
    """The same filter without IsSymbol; the tree itself where it has none."""
    if isinstance(tree, IsSymbol):
        return _tags(implementations(tree.symbol))
    if isinstance(tree, And | Or):
        terms = tuple(resolved(term, implementations) for term in tree.terms)
        same = all(new is old for new, old in zip(terms, tree.terms, strict=True))
        return tree if same else type(tree)(terms)
    return tree


def _tags(alternatives: Iterable[frozenset[str]]) -> Filter:
    """Single tags as one term; nothing matches where there is no alternative."""
    sets = list(alternatives)
    single = sorted(name for one in sets if len(one) == 1 for name in one)
    terms = list(_conjuncts(one for one in sets if len(one) > 1))
    if single or not terms:
        terms.insert(
            0, Has((single[0],)) if len(single) == 1 else HasAny(tuple(single))
        )
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _conjuncts(sets: Iterable[frozenset[str]]) -> Iterator[Filter]:
    for names in sets:
        yield And(tuple(Has((name,)) for name in sorted(names)))
