"""Resolution of the names of defs in a filter, which requires a namespace.

``^symbol`` becomes tags: a record implements a def if it has the tags of the def or of
one of its subtypes. The name of a spec is checked only. Source: docHaystack Filters; an
unknown spec is an error of the reference implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..wire.errors import ParseError
from .ast import And, Filter, Has, HasAny, IsSpec, IsSymbol, Or

__all__ = ["Implementations", "resolve_symbols"]

Implementations = Callable[[str], Iterable[frozenset[str]]]
"""Returns sets of tags; a record with all tags of any set implements the symbol."""


def resolve_symbols(
    tree: Filter,
    implementations: Implementations,
    has_spec: Callable[[str], bool] = lambda name: True,
) -> Filter:
    """The same filter without IsSymbol nodes; the same object if it has none.

    Raises ParseError for the name of a spec that ``has_spec`` does not know.
    """
    if isinstance(tree, IsSymbol):
        return _tags(implementations(tree.symbol))
    if isinstance(tree, IsSpec) and not has_spec(tree.name):
        raise ParseError(f"unknown spec {tree.name}: a tag begins with a small letter")
    if isinstance(tree, And | Or):
        terms = tuple(
            resolve_symbols(term, implementations, has_spec) for term in tree.terms
        )
        same = all(new is old for new, old in zip(terms, tree.terms, strict=True))
        return tree if same else type(tree)(terms)
    return tree


def _tags(alternatives: Iterable[frozenset[str]]) -> Filter:
    """A filter for any of the sets; without a set it matches no record.

    All sets of one tag become a single term.
    """
    sets = list(alternatives)
    single = sorted(name for names in sets if len(names) == 1 for name in names)
    terms = list(_conjuncts(names for names in sets if len(names) > 1))
    if single or not terms:
        terms.insert(
            0, Has((single[0],)) if len(single) == 1 else HasAny(tuple(single))
        )
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _conjuncts(sets: Iterable[frozenset[str]]) -> Iterator[Filter]:
    for names in sets:
        yield And(tuple(Has((name,)) for name in sorted(names)))
