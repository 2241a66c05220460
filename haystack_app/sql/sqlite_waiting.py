"""How long a connection to SQLite waits for the lock that one writer has at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["waiting"]


@contextmanager
def waiting(raw: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Statements inside wait for so long, later ones as long as before."""
    [(before,)] = raw.execute("PRAGMA busy_timeout")
    raw.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        # a failed rollback closes the connection
        with suppress(raw.ProgrammingError):
            raw.execute(f"PRAGMA busy_timeout = {before}")
