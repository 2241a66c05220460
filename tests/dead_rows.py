"""Rows that tests have rolled back or deleted: statements read past them.

A server whose autovacuum is off, as that of CI, keeps them until the run ends: after a
few hundred tests the empty table of entities is 50 MB, and a statement that reads all
of it takes four times the CPU.
"""

from __future__ import annotations

from django.db import connections

__all__ = ["vacuum"]

_MANY = 2_000


def vacuum(alias: str) -> None:
    """Vacuum the tables with many dead rows; no transaction may be open."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, relname) FROM pg_stat_all_tables"
            " WHERE n_dead_tup > %s AND schemaname !~ 'toast'",
            [_MANY],
        )
        if tables := [table for [table] in cursor.fetchall()]:
            cursor.execute(f"VACUUM (SKIP_LOCKED) {', '.join(tables)}")
