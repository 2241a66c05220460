"""Makes and drops the views of ``sql.views`` in a database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DataError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ...filters.ast import Filter
from ...kinds.timezones import database_names
from ...models import Entity
from ...sql.views import POINTS, ROLLUPS, SAMPLES, statements

__all__ = ["InvalidView", "create_views", "drop_views", "grant_views", "view_names"]

_ALL = (POINTS, SAMPLES, ROLLUPS)
_LONGEST = 63 - len("haystack_rollups_")
"""Characters of a group in the name of a view: PostgreSQL cuts names at 63."""
_AT_ONCE = 500


class InvalidView(ValueError):
    """Views that a database cannot have; the message is for a person."""


def view_names(group: str | None = None) -> dict[str, str]:
    """The names of the views, by those without a group. Raises InvalidView."""
    if group is None:
        return {name: name for name in _ALL}
    slug = re.sub(r"\W+", "_", group.lower(), flags=re.ASCII).strip("_")
    if not slug or len(slug) > _LONGEST:
        raise InvalidView(
            f"group {group!r} cannot be part of a view's name: it must have letters"
            f" or digits, at most {_LONGEST}"
        )
    return {name: f"{name}_{slug}" for name in _ALL}


def create_views(
    using: str, group: str | None = None, scope: Filter | None = None
) -> list[str]:
    """Create the views, or replace them; their names. Grants stay.

    ``scope``, with resolved symbols, is the filter of the group. Raises InvalidView.
    """
    connection = connections[using]
    names = view_names(group)
    quoted = {name: connection.ops.quote_name(own) for name, own in names.items()}
    ids = None if scope is None else _ids_within(connection, scope)
    is_postgres = connection.vendor == "postgresql"
    with transaction.atomic(using=using), connection.cursor() as cursor:
        zones = _zones(using) if is_postgres else {}
        found = statements(connection.vendor, quoted, zones, ids)
        for name, query in found.items():
            if is_postgres:
                # functions of a caller must not see rows that the scope hides
                barrier = " WITH (security_barrier)" if scope is not None else ""
                head = f"CREATE OR REPLACE VIEW {quoted[name]}{barrier}"
            else:
                cursor.execute(f"DROP VIEW IF EXISTS {quoted[name]}")
                head = f"CREATE VIEW {quoted[name]}"
            cursor.execute(f"{head} AS {query}")
    return [names[name] for name in found]


def drop_views(using: str, group: str | None = None) -> list[str]:
    """Drop the views that exist; their names."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        held = {it.name for it in connection.introspection.get_table_list(cursor)}
        names = [it for it in view_names(group).values() if it in held][::-1]
        for name in names:
            cursor.execute(f"DROP VIEW IF EXISTS {connection.ops.quote_name(name)}")
    return names


def grant_views(using: str, names: Sequence[str], role: str) -> None:
    """Let a role of PostgreSQL select from the views. Raises InvalidView."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        raise InvalidView("SQLite has no roles to grant to")
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise InvalidView(f"unknown role {role!r}: create it by CREATE ROLE")
        quoted = connection.ops.quote_name(role.replace('"', '""'))
        for name in names:
            view = connection.ops.quote_name(name)
            cursor.execute(f"GRANT SELECT ON {view} TO {quoted}")


def _zones(using: str) -> Mapping[str, str]:
    """Of tags, the names of zones that the server knows, too."""
    named = database_names()
    known = set(_known_zones(using, sorted(set(named.values()))))
    return {city: name for city, name in named.items() if name in known}


def _known_zones(using: str, names: Sequence[str]) -> Sequence[str]:
    """By asking for all, or else for each half.

    pg_timezone_names fails as a whole where one of the server's files is damaged.
    """
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT count(now() AT TIME ZONE name) FROM unnest(%s::text[]) AS name",
                [list(names)],
            )
    except DataError:
        if len(names) == 1:
            return ()
        half = len(names) // 2
        return [
            *_known_zones(using, names[:half]),
            *_known_zones(using, names[half:]),
        ]
    return names


def _ids_within(connection: BaseDatabaseWrapper, scope: Filter) -> str:
    """The query of the ids in a scope, with its parameters as literals.

    A view cannot have parameters; the driver, or SQLite itself, quotes them.
    """
    rows: Any = Entity.rows.using(connection.alias).within(scope).values_list("id")
    text, params = rows.query.get_compiler(using=connection.alias).as_sql()
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        from psycopg import ClientCursor

        return str(ClientCursor(connection.connection).mogrify(text, params))
    literals: list[str] = []
    with connection.cursor() as cursor:
        for at in range(0, len(params), _AT_ONCE):
            part = params[at : at + _AT_ONCE]
            cursor.execute(f"SELECT {', '.join(['quote(%s)'] * len(part))}", part)
            literals += cursor.fetchone()
    return str(text % tuple(literals))
