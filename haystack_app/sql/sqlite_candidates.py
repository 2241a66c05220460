"""The ids of the entities that may match a filter, from SQLite's index of tags.

Each conjunct may say in which tag sets the matches are, or which edges or values they
have. Every row found is tested exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..filters.ast import And, Filter, HasAny, Or
from ..kinds.scalars import Ref
from ..kinds.transient import TRANSIENT
from .fragments import Sql, Test
from .leaves import Leaf, grouped, is_selective, leaf_of
from .paths import from_record, is_set
from .sqlite_sources import Combined, Sets, Source, ids_of
from .sqlite_terms import PRESENT, terms_of

__all__ = ["all_ids_for", "ids_for"]

_LEVELS = 6
"""Levels of ``and`` and ``or`` that are looked at."""
_MOST = 50
"""Sets, sources or paths that are combined: SQLite limits compound queries."""
_EVERYWHERE = frozenset({"id", "mod"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is known about the entities that match a filter.

    Each is of every one of ``sources``, in one of the tag sets ``sets``, and has no tag
    of ``without``.
    """

    sources: tuple[Source, ...] = ()
    sets: Sets | None = None
    without: frozenset[str] = frozenset()

    def all_sources(self) -> list[Source]:
        """The kinds that usually have the fewest ids first."""
        found = sorted(self.sources, key=lambda it: not it.values)
        if self.sets is None:
            return found
        sets = self.sets
        if self.without:
            names = frozenset((name, PRESENT) for name in self.without)
            sets = Combined("EXCEPT", (sets, names))
        return [*found, Source(sets=sets)]


_UNKNOWN = Candidates()


def ids_for(tree: Filter) -> Sql | None:
    """A query of ids that has those of all matches; None if there is no index for it.

    None also if the condition itself is on ids, or on a path that is a set of ids.
    """
    return None if _is_by_id(grouped(tree)) else all_ids_for(tree)


def all_ids_for(tree: Filter) -> Sql | None:
    """As ``ids_for``, also for conditions on ids and for paths that are sets."""
    sources = _candidates(grouped(tree), _LEVELS).all_sources()
    return ids_of(sources) if sources else None


def _is_by_id(tree: Filter) -> bool:
    if leaf := leaf_of(tree):
        return is_set(*leaf) or _is_id(leaf)
    if isinstance(tree, Or):
        return all(map(_is_by_id, tree.terms))
    if not isinstance(tree, And):
        return False
    if any(map(is_selective, tree.terms)):  # paths are walked
        leaves = filter(None, map(leaf_of, tree.terms))
        return any(map(_is_id, leaves))
    return any(map(_is_by_id, tree.terms))


def _is_id(leaf: Leaf) -> bool:
    return from_record(leaf.path) == ("id",) and bool(_refs(leaf.test))


def _candidates(tree: Filter, levels: int) -> Candidates:
    if leaf := leaf_of(tree):
        return _of_leaf(leaf)
    if isinstance(tree, HasAny) and tree.names and not TRANSIENT & {*tree.names}:
        return Candidates(sets=frozenset((name, PRESENT) for name in tree.names))
    if isinstance(tree, And) and levels:
        return _of_all([_candidates(term, levels - 1) for term in tree.terms])
    if isinstance(tree, Or) and levels:
        return _of_any([_candidates(term, levels - 1) for term in tree.terms])
    return _UNKNOWN


def _of_leaf(leaf: Leaf) -> Candidates:
    path, test = from_record(leaf.path), leaf.test
    name = path[0]
    if name in TRANSIENT or name in _EVERYWHERE:
        return _UNKNOWN
    if test.op == "missing":
        is_own = len(path) == 1
        return Candidates(without=frozenset({name})) if is_own else _UNKNOWN
    sets = frozenset({(name, PRESENT)})
    if len(path) > 1:
        leads_to_few = test.op in ("==", "in") and is_set(path, test)
        found = (Source(paths=(Leaf(path, test),)),) if leads_to_few else ()
        return Candidates(found, sets)
    if refs := _refs(test):
        return Candidates((Source(edges=frozenset((name, id) for id in refs)),), sets)
    shared, own = terms_of([(name, test.literal)] if test.op == "==" else [])
    if own:
        return Candidates((Source(values=frozenset(own)),), sets)
    return Candidates(sets=frozenset(shared) or sets)


def _refs(test: Test) -> Sequence[str]:
    if test.op == "in":
        return list(test.literal)
    is_ref = test.op == "==" and isinstance(test.literal, Ref)
    return [test.literal.id] if is_ref else []


def _of_all(terms: Sequence[Candidates]) -> Candidates:
    sets = [term.sets for term in terms if term.sets is not None][:_MOST]
    return Candidates(
        tuple(source for term in terms for source in term.sources)[:_MOST],
        Combined("INTERSECT", tuple(sets)) if len(sets) > 1 else next(iter(sets), None),
        frozenset(name for term in terms for name in term.without),
    )


def _of_any(terms: Sequence[Candidates]) -> Candidates:
    """Of each alternative the source that usually has the fewest ids."""
    found = [term.all_sources()[:1] for term in terms]
    sources = [source for first in found for source in first]
    if len(sources) < len(terms):
        return _UNKNOWN
    merged = Source(
        frozenset(pair for source in sources for pair in source.edges),
        frozenset(pair for source in sources for pair in source.values),
        _union([source.sets for source in sources if source.sets]),
        tuple(leaf for source in sources for leaf in source.paths),
    )
    if len(merged.paths) > _MOST or _is_wide(merged.sets):
        return _UNKNOWN
    if merged == Source(sets=merged.sets):
        return Candidates(sets=merged.sets)
    return Candidates((merged,))


def _is_wide(sets: Sets | None) -> bool:
    return isinstance(sets, Combined) and len(sets.operands) > _MOST


def _union(sets: Sequence[Sets]) -> Sets | None:
    terms = frozenset(pair for it in sets if isinstance(it, frozenset) for pair in it)
    others = [it for it in sets if isinstance(it, Combined)]
    if not others:
        return terms or None
    return Combined("UNION", (terms, *others) if terms else tuple(others))
