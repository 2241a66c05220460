"""What a PostgreSQL database has of what the app can use, for checks and /status/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from .sql.sessions import is_pooled

__all__ = ["Features", "features"]

_SQL = """
SELECT current_setting('server_version'),
       t.name IS NOT NULL, coalesce(t.installed_version, ''),
       w.name IS NOT NULL, to_regclass('entities_search') IS NOT NULL,
       to_regclass('entities') IS NOT NULL
  FROM (SELECT) AS one
  LEFT JOIN pg_available_extensions t ON t.name = 'timescaledb'
  LEFT JOIN pg_available_extensions w ON w.name = 'pg_trgm'
"""


class Features(NamedTuple):
    """``timescale`` is a version, empty where the extension is not used;
    ``has_trigrams`` tells whether searches by words have an index."""

    version: str
    may_timescale: bool
    timescale: str
    may_trigrams: bool
    has_trigrams: bool
    is_migrated: bool
    is_pooled: bool

    def __str__(self) -> str:
        return ", ".join(self._words())

    def _words(self) -> Iterator[str]:
        yield f"PostgreSQL {self.version}"
        yield f"TimescaleDB {self.timescale}" if self.timescale else "no TimescaleDB"
        if not self.has_trigrams:
            yield "no index of words"
        if self.is_pooled:
            yield "through a pooler"


def features(connection: BaseDatabaseWrapper) -> Features:
    """Of a PostgreSQL database; any role may ask."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL)
        version, *found = cursor.fetchone()
    may_timescale, timescale, may_trigrams, has_trigrams, is_migrated = found
    return Features(
        version,
        may_timescale,
        timescale,
        may_trigrams,
        has_trigrams,
        is_migrated,
        is_pooled(connection),
    )
