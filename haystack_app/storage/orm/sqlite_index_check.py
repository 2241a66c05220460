"""Checks SQLite's index of tags against the entities, and makes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.sqlite_terms import ENTITY_VALUES, PRESENT, SET_TERMS, terms_of
from ...sql.tables import ENTITIES, TAG_SETS
from ..changeset import BATCH
from .sqlite_index import forget, store

__all__ = ["Fault", "faults", "store_again", "store_names"]

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


class Fault(NamedTuple):
    """A line of text, and the entities whose terms must be stored again."""

    text: str
    ids: list[str]


def faults(connection: BaseDatabaseWrapper) -> Iterator[Fault]:
    """Entities and tag sets that the index does not match.

    Marked rows are not compared: the index is not used for them. The caller reads from
    one snapshot.
    """
    names = f"({_NAMES}) n"
    for number in _missing(connection, names, SET_TERMS, "tag_set_id", []):
        yield Fault(f"tag set {number}: the index does not have its names", [])
    for rows in _batches(_rows(connection, _ENTITIES)):
        shared, own = [], []
        for id, tags, tag_set in rows:
            of_set, of_entity = terms_of(_object(tags).items())
            shared += [(*pair, tag_set) for pair in of_set]
            own += [(*pair, id) for pair in of_entity]
        for number in _missing_terms(connection, SET_TERMS, "tag_set_id", shared):
            text = f"tag set {number}: the index does not have values of its entities"
            yield Fault(text, [id for id, _, tag_set in rows if tag_set == number])
        for id in _missing_terms(connection, ENTITY_VALUES, "src", own):
            yield Fault(f"@{id}: the index does not have its values", [id])
    for id in sorted(set(_surplus(connection))):
        text = f"@{id}: the index has values that the entity does not have"
        yield Fault(text, [id])


def store_names(connection: BaseDatabaseWrapper) -> None:
    """Index the names of all tag sets, of which there are few."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT OR IGNORE INTO {SET_TERMS} (name, value, tag_set_id) {_NAMES}"
        )


def store_again(connection: BaseDatabaseWrapper, ids: Sequence[str]) -> None:
    """Index entities anew, in a transaction of the caller.

    Reads the whole table of values once.
    """
    forget(connection, ids)
    query = f"{_ENTITIES} AND id IN (SELECT value FROM json_each(%s))"
    rows = list(_rows(connection, query, [orjson.dumps(ids).decode()]))
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
