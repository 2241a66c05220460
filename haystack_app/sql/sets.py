"""Filters as sets of ids in PostgreSQL, so that no statement reads all entities."""

from __future__ import annotations

from collections.abc import Sequence

from ..filters.ast import And, Filter, HasAny, IsSpec, Or
from ..kinds.transient import TRANSIENT
from . import paths, postgres
from .fragments import Row, Sql, all_of, any_of, joined, sql
from .leaves import Leaf, is_selective, leaf_of
from .postgres_paths import among, ids_of_path, tag_holds
from .tables import ENTITIES

__all__ = ["all_hold", "sets_among", "without_index"]

_ROW = Row.of("u")


def sets_among(terms: Sequence[Filter]) -> list[Filter]:
    """Those conjuncts that are to drive a statement as sets of ids.

    An ``or`` with tests of the record's own tags is one if no other conjunct has an
    index: ``site or siteRef->site`` would read all entities.
    """
    if sets := [term for term in terms if _is_set(term)]:
        return sets
    mixed = [term for term in terms if _has_set(term) and _has_index(term)]
    has_other = any(_has_index(term) for term in terms if term not in mixed)
    return [] if has_other else mixed


def all_hold(row: Row, trees: Sequence[Filter]) -> Sql:
    """Whether all filters hold; each must be of ``sets_among``. Once in a statement.

    The ids are computed once, as an array, and drive the statement regardless of
    statistics. Before version 17, two arrays on one index would be multiplied.
    """
    return among(row.id, _intersection(trees))


def _is_set(tree: Filter) -> bool:
    """Whether edges lead to the ids."""
    if leaf := leaf_of(tree):
        return paths.is_set(*leaf) or _is_refs(leaf)
    if isinstance(tree, Or):
        return all(map(_is_set, tree.terms))
    return isinstance(tree, And) and any(map(_is_set, tree.terms))


def _has_set(tree: Filter) -> bool:
    if isinstance(tree, And | Or) and leaf_of(tree) is None:
        return any(map(_has_set, tree.terms))
    return _is_set(tree)


def _is_refs(leaf: Leaf) -> bool:
    path = paths.from_record(leaf.path)
    return leaf.test.op == "in" and len(path) == 1 and path[0] not in TRANSIENT


def _has_index(tree: Filter) -> bool:
    """Whether indexes find the rows."""
    if leaf := leaf_of(tree):
        name = paths.from_record(leaf.path)[0]
        is_tag = leaf.test.op != "missing" and name not in TRANSIENT
        return is_tag
    if isinstance(tree, Or):
        return all(map(_has_index, tree.terms))
    if isinstance(tree, And):
        return any(map(_has_index, tree.terms))
    return not isinstance(tree, HasAny) or not TRANSIENT.intersection(tree.names)


def _ids(tree: Filter) -> Sql:
    """A query of the ids that match."""
    if leaf := leaf_of(tree):
        return _ids_of_leaf(leaf)
    if isinstance(tree, Or):
        return _combined(" UNION ALL ", tree.terms)
    if isinstance(tree, And) and not any(map(is_selective, tree.terms)):
        return _ids_of_all(tree)
    return _rows_where(_condition(tree))


def _ids_of_leaf(leaf: Leaf) -> Sql:
    if paths.is_set(*leaf):
        return ids_of_path(*leaf)
    path = paths.from_record(leaf.path)
    if len(path) > 1:
        return _rows_where(postgres.holds(_ROW, *leaf, walk=True))
    return _rows_where(tag_holds(_ROW, path[0], leaf.test))


def _ids_of_all(tree: And) -> Sql:
    sets = [term for term in tree.terms if _is_set(term)]
    conditions = [_condition(term) for term in tree.terms if not _is_set(term)]
    if sets and not conditions:
        return _intersection(sets)
    condition = all_of(conditions)
    if sets:
        among_sets = among(_ROW.id, _intersection(sets))
        condition = sql("{} AND {}", among_sets, without_index(condition))
    return _rows_where(condition)


def without_index(condition: Sql) -> Sql:
    """The condition beside a set, as a test of the rows that the set finds.

    The planner would combine its index with that of the ids, and search the array of
    ids again for each row that both find.
    """
    return sql("(({}) IS TRUE)", condition)


def _intersection(trees: Sequence[Filter]) -> Sql:
    return _combined(" INTERSECT ", trees)


def _combined(word: str, trees: Sequence[Filter]) -> Sql:
    return joined(word, (sql("({})", _ids(tree)) for tree in trees))


def _rows_where(condition: Sql) -> Sql:
    return sql(f"SELECT u.id FROM {ENTITIES} u WHERE {{}}", condition)


def _condition(tree: Filter) -> Sql:
    """The condition on one row."""
    if leaf := leaf_of(tree):
        return postgres.holds(_ROW, *leaf, walk=True)
    if isinstance(tree, And):
        return all_of(map(_condition, tree.terms))
    if isinstance(tree, Or):
        return any_of(map(_condition, tree.terms))
    if isinstance(tree, IsSpec) or tree == HasAny(()):
        return Sql("FALSE")
    assert isinstance(tree, HasAny), "symbols must be resolved first"
    return postgres.has_any(_ROW, tree.names)
