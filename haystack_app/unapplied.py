"""Migrations that a database still lacks."""

from __future__ import annotations

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

__all__ = ["unapplied_migrations"]


def unapplied_migrations(using: str, app: str | None = None) -> int:
    """How many migrations of all apps, or of one, are to be applied to a database.

    Raises DatabaseError if the database does not answer.
    """
    executor = MigrationExecutor(connections[using])
    nodes = executor.loader.graph.leaf_nodes(app)
    return len(executor.migration_plan(nodes))
