"""How much a store holds."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connections
from django.utils import timezone

from .. import filters
from ..models import Watch
from ..sql import tables
from ..storage.base import StorageAdapter
from ..storage.orm import OrmAdapter

__all__ = ["StoreFacts", "forget", "recent_facts", "store_facts"]

logger = logging.getLogger(__name__)

_KINDS = {
    "site": "site",
    "space": "space",
    "equip": "equip",
    "point": "point",
    "historized": "point and his",
    "all": "id",
}
_SIZED = (
    tables.ENTITIES,
    tables.HISTORY,
    tables.FOLD_PARTS,
    tables.CHANGES,
    tables.SAMPLE_EDITS,
    tables.POINT_WRITES,
)
_SECONDS = 15.0
_remembered: dict[str, tuple[float, StoreFacts | None]] = {}


class StoreFacts(NamedTuple):
    """What a store holds.

    ``counts`` are entities by kind, ``samples`` and ``watches`` numbers, ``size`` the
    bytes of the database and ``tables`` those of its largest tables with their indexes.
    None, or no tables, if not known. A store in two databases has the sums of both.
    """

    counts: Mapping[str, int]
    samples: int | None = None
    watches: int | None = None
    size: int | None = None
    tables: Mapping[str, int] = {}


def recent_facts(store: StorageAdapter) -> StoreFacts | None:
    """The facts of the last 15 seconds; None if the store did not answer."""
    now = time.monotonic()
    until, facts = _remembered.get(store.alias, (0.0, None))
    if now < until:
        return facts
    try:
        facts = store_facts(store)
    except Exception as error:  # of any driver
        logger.warning("storage %s: %s", store.alias, type(error).__name__)
        facts = None
    _remembered[store.alias] = now + _SECONDS, facts
    return facts


def forget() -> None:
    """Count again when the facts are asked for."""
    _remembered.clear()


def store_facts(store: StorageAdapter) -> StoreFacts:
    """Counts what a store holds; takes about a second for a million entities."""
    counts = {name: _count(store, text) for name, text in _KINDS.items()}
    using = store.database
    if using is None:
        return StoreFacts(counts)
    watches = Watch.objects.using(using).filter(expires__gt=timezone.now()).count()
    used = store.databases if isinstance(store, OrmAdapter) else [using]
    sizes = [size for one in used if (size := _size(one)) is not None]
    tables_of: Counter[str] = Counter()
    for one in used:  # each has all tables, of which one is in use
        tables_of.update(_tables(one))
    size = sum(sizes) if sizes else None
    return StoreFacts(counts, _samples(using), watches, size, dict(tables_of))


def _count(store: StorageAdapter, text: str) -> int:
    return store.count(filters.without_trash(filters.parse(text)))


def _samples(using: str) -> int:
    """The sum of ``hisSize``, which the server keeps for each point."""
    connection = connections[using]
    size = (
        "(cur -> 'hisSize')::text::numeric"
        if connection.vendor == "postgresql"
        else "json_extract(cur, '$.hisSize')"
    )
    sql = f"SELECT coalesce(sum({size}), 0) FROM {tables.ENTITIES}"
    return int(_rows(using, sql)[0][0])


def _size(using: str) -> int | None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        return int(_rows(using, "SELECT pg_database_size(current_database())")[0][0])
    name = str(connection.settings_dict["NAME"])
    path = Path(name)
    return path.stat().st_size if path.is_file() else None


def _tables(using: str) -> dict[str, int]:
    """SQLite would read all pages to tell."""
    if connections[using].vendor != "postgresql":
        return {}
    # chunks of a hypertable inherit from it
    sql = """
        SELECT c.relname, pg_total_relation_size(c.oid) + coalesce(
            (SELECT sum(pg_total_relation_size(i.inhrelid))
               FROM pg_inherits i WHERE i.inhparent = c.oid), 0)
          FROM pg_class c WHERE c.oid = ANY(%s::regclass[])
    """
    return {name: int(size) for name, size in _rows(using, sql, [list(_SIZED)])}


def _rows(using: str, sql: str, params: Any = None) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
