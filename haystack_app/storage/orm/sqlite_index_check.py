"""Checks SQLite's index of tags against the entities, and makes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.sqlite_terms import ENTITY_VALUES, PRESENT, SET_TERMS, terms_of
from ...sql.tables import ENTITIES, TAG_SETS
from ..changeset import BATCH
from .sqlite_index import store

__all__ = ["faults", "rebuild"]

_ENTITIES = f"SELECT id, tags, tag_set_id FROM {ENTITIES} WHERE tag_set_id > 0"
_NAMES = (
    f"SELECT tag.value AS name, '{PRESENT}' AS value, s.id AS tag_set_id"
    f" FROM {TAG_SETS} s CROSS JOIN"
    " json_each('[\"' || replace(s.names, ' ', '\",\"') || '\"]') tag"
)
_VALUES = (
    f"SELECT v.name, v.value, v.src, e.tags FROM {ENTITY_VALUES} v"
    f" LEFT JOIN {ENTITIES} e ON e.id = v.src"
    " WHERE e.id IS NULL OR e.tag_set_id > 0"
)


def faults(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """A line for each entity or tag set that the index does not match.

    Marked rows are not compared: the index is not used for them.
    """
    names = f"({_NAMES}) n"
    for id in _missing(connection, names, SET_TERMS, "tag_set_id", []):
        yield f"tag set {id}: the index does not have its names"
    for rows in _batches(_rows(connection, _ENTITIES)):
        shared, own = [], []
        for id, tags, tag_set in rows:
            of_set, of_entity = terms_of(_object(tags).items())
            shared += [(*pair, tag_set) for pair in of_set]
            own += [(*pair, id) for pair in of_entity]
        for id in _missing_terms(connection, SET_TERMS, "tag_set_id", shared):
            yield f"tag set {id}: the index does not have values of its entities"
        for id in _missing_terms(connection, ENTITY_VALUES, "src", own):
            yield f"@{id}: the index does not have its values"
    for id in sorted(set(_surplus(connection))):
        yield f"@{id}: the index has values that the entity does not have"


def rebuild(connection: BaseDatabaseWrapper) -> None:
    """Make the index anew, in a transaction of the caller."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {SET_TERMS}")
        cursor.execute(f"DELETE FROM {ENTITY_VALUES}")
        cursor.execute(
            f"INSERT OR IGNORE INTO {SET_TERMS} (name, value, tag_set_id) {_NAMES}"
        )
    for rows in _batches(_rows(connection, _ENTITIES)):
        store(
            connection,
            [(id, list(_object(tags).items()), tag_set) for id, tags, tag_set in rows],
        )


def _surplus(connection: BaseDatabaseWrapper) -> Iterator[str]:
    for name, text, id, tags in _rows(connection, _VALUES):
        value = _object(tags).get(name) if tags else None
        if (name, text) not in terms_of([(name, value)])[1]:
            yield id


def _missing_terms(
    connection: BaseDatabaseWrapper, table: str, owner: str, terms: Iterable[Any]
) -> list[Any]:
    found = (
        "(SELECT j.value ->> 0 AS name, j.value ->> 1 AS value,"
        f" j.value ->> 2 AS {owner} FROM json_each(%s) j) n"
    )
    texts = orjson.dumps(sorted(set(terms))).decode()
    return _missing(connection, found, table, owner, [texts])


def _missing(
    connection: BaseDatabaseWrapper,
    terms: str,
    table: str,
    owner: str,
    params: list[str],
) -> list[Any]:
    """Owners of terms that the table does not have."""
    query = (
        f"SELECT DISTINCT n.{owner} FROM {terms} WHERE NOT EXISTS (SELECT 1"
        f" FROM {table} t WHERE t.name = n.name AND t.value = n.value"
        f" AND t.{owner} = n.{owner}) ORDER BY 1"
    )
    return [id for (id,) in _rows(connection, query, params)]


def _rows(
    connection: BaseDatabaseWrapper, query: str, params: Iterable[str] = ()
) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(params))
        yield from cursor


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _object(text: str) -> dict[str, Any]:
    tags = orjson.loads(text)
    return tags if isinstance(tags, dict) else {}
