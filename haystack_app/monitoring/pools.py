"""The pools of database connections of this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections

__all__ = ["pools"]


def pools() -> Iterator[tuple[str, Any]]:
    """Each pool with the alias of its database."""
    for alias in connections:
        pool = getattr(connections[alias], "pool", None)
        if pool is not None:
            yield alias, pool
