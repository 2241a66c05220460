"""What a filter costs on SQLite, before it runs.

``not a->b``, and a path from a transient tag, are followed from each row that is left
to test; a path without an equality may lead to most rows. Each takes about 6 µs a row,
so that a hundred of them would take many seconds in any larger store.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from ..filters.ast import Filter
from .fragments import Sql, sql
from .leaves import Leaf, grouped, leaves_in
from .paths import PARTS_OF_DATE_TIME, from_record, is_set
from .sqlite_candidates import all_ids_for, ids_for
from .sqlite_terms import PRESENT, SET_TERMS
from .tables import ENTITIES, ENTITY_REF

__all__ = ["is_wide", "too_costly"]

_FREE = 6
"""Steps that may be taken from any number of rows."""
_MOST = 150_000
"""Rows times steps: about a second."""
_WIDE = 5_000
"""Ids that cost more to list than rows that are tested until a page is full."""
_ENDS = (
    f"SELECT 1 FROM {SET_TERMS} WHERE name = %s AND value = '{PRESENT}'"
    f" UNION ALL SELECT 1 FROM {ENTITY_REF} WHERE path = %s AND dst = ''"
    f" UNION ALL SELECT 1 FROM {ENTITIES} WHERE tag_set_id <= 0"
)


def too_costly(connection: BaseDatabaseWrapper, tree: Filter) -> str:
    """The path that makes a filter too expensive; empty if it is not."""
    tree = grouped(tree)
    costly = list(_costly(tree))
    if sum(map(_steps, costly)) <= _FREE:
        return ""
    every = _count(connection, Sql(f"SELECT id FROM {ENTITIES}"))
    if every * sum(map(_steps, costly)) <= _MOST:
        return ""
    ids = all_ids_for(tree)
    left = every if ids is None else min(every, _count(connection, ids))
    costs = {
        leaf: _steps(leaf)
        * (_ends(connection, leaf) * every if _is_set(leaf) else left)
        for leaf in costly
    }
    if sum(costs.values()) <= _MOST:
        return ""
    worst = max(costs, key=lambda leaf: costs[leaf])
    return f"{'not ' * (worst.test.op == 'missing')}{'->'.join(worst.path)}"


def is_wide(connection: BaseDatabaseWrapper, tree: Filter) -> bool:
    """Whether an index would find so many rows that a few are found faster without."""
    ids = ids_for(tree)
    if ids is None:
        return False
    return _count(connection, sql(f"{{}} LIMIT {_WIDE}", ids)) == _WIDE


def _costly(tree: Filter) -> Iterator[Leaf]:
    for leaf in leaves_in(tree):
        is_path = len(from_record(leaf.path)) > 1
        if is_path and not (_is_set(leaf) and leaf.test.op in ("==", "in")):
            yield leaf


def _steps(leaf: Leaf) -> int:
    """Look-ups for each row; a set of ids is collected at once."""
    return 1 if _is_set(leaf) else len(from_record(leaf.path)) - 1


def _is_set(leaf: Leaf) -> bool:
    return is_set(leaf.path, leaf.test)


def _ends(connection: BaseDatabaseWrapper, leaf: Leaf) -> bool:
    """Whether any entity has a tag that the path could end at."""
    *_, last_but_one, last = leaf.path
    if last in PARTS_OF_DATE_TIME:
        return True
    ends = Sql(f"{_ENDS} LIMIT 1", (last, last_but_one))
    return _count(connection, ends) > 0


def _count(connection: BaseDatabaseWrapper, ids: Sql) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({ids.text})", ids.params)
        [number] = cursor.fetchone()
    return int(number)
