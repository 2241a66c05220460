"""SQLite's index of tags (``sql.sqlite_terms``): what a commit changes.

Triggers keep the names of tag sets, and delete the values of deleted entities. Values
that a changed entity no longer has are deleted by their key, from its tags as they
were. Where plain SQL changed these, the whole table is searched once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Self

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.sqlite_terms import ENTITY_VALUES, SET_TERMS, Pair, terms_of
from ..changeset import EntityRow, Move
from ..stored import Plain

__all__ = ["Terms", "forget", "store", "update"]

_INTO_SETS = (
    f"INSERT OR IGNORE INTO {SET_TERMS} (name, value, tag_set_id) VALUES (%s, %s, %s)"
)
_INSERT = (
    f"INSERT OR IGNORE INTO {ENTITY_VALUES} (name, value, src) VALUES (%s, %s, %s)"
)
_DELETE = f"DELETE FROM {ENTITY_VALUES} WHERE name = %s AND value = %s AND src = %s"

Entity = tuple[str, Sequence[Plain], int]
"""Id, values of tags, and tag set."""


class Terms(NamedTuple):
    """What some entities have in the index: values, and values of their tag sets."""

    values: Collection[tuple[str, str, str]] = ()
    in_sets: Collection[tuple[str, str, int]] = ()

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Self:
        shared: set[tuple[int, tuple[Pair, ...]]] = set()
        values: list[tuple[str, str, str]] = []
        for id, tags, tag_set in entities:
            of_set, own = terms_of(tags)
            shared.add((tag_set, tuple(of_set)))  # the same for many entities
            values += [(name, text, id) for name, text in own]
        return cls(
            values,
            {
                (name, text, tag_set)
                for tag_set, terms in shared
                for name, text in terms
            },
        )


_NO_TERMS = Terms()


def update(connection: BaseDatabaseWrapper, moves: Iterable[Move]) -> None:
    """Index the changed tags of a batch."""
    changed = [move for move in moves if move.stored]
    before = [move.before for move in changed if move.before]
    forget(connection, [row.id for row in before if row.tag_set <= 0])
    former = Terms.of(
        (row.id, _tags(row), row.tag_set) for row in before if row.tag_set > 0
    )
    entities = [
        (move.id, move.stored.plain, move.after.tag_set)
        for move in changed
        if move.stored and move.after
    ]
    store(connection, entities, former)


def forget(connection: BaseDatabaseWrapper, ids: Sequence[str]) -> None:
    """Delete the values of entities; reads the whole table once."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {ENTITY_VALUES}"
                " WHERE src IN (SELECT value FROM json_each(%s))",
                [orjson.dumps(ids).decode()],
            )


def store(
    connection: BaseDatabaseWrapper,
    entities: Iterable[Entity],
    former: Terms = _NO_TERMS,
) -> None:
    """Store the terms of entities, in place of those that they had."""
    terms = Terms.of(entities)
    held, in_sets = frozenset(former.values), frozenset(former.in_sets)
    statements: list[tuple[str, Sequence[Any]]] = [
        (_DELETE, list(held.difference(terms.values)) if held else []),
        (_INSERT, [value for value in terms.values if value not in held]),
        (_INTO_SETS, [term for term in terms.in_sets if term not in in_sets]),
    ]
    with connection.cursor() as cursor:
        for statement, rows in statements:
            if rows:
                cursor.executemany(statement, rows)


def _tags(row: EntityRow) -> Sequence[Plain]:
    tags = orjson.loads(row.tags)
    return list(tags.items()) if isinstance(tags, dict) else []
