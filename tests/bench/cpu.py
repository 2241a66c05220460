"""CPU seconds, which other load of the machine changes less than times."""

from __future__ import annotations

import time
from pathlib import Path

from django.db import connection

__all__ = ["Cpu"]


class Cpu:
    """A clock: of this process and of the connections that the database has now."""

    def __init__(self) -> None:
        self._files = [Path(f"/proc/{pid}/schedstat") for pid in _connections()]

    def __call__(self) -> float:
        return time.process_time() + sum(map(_seconds, self._files))


def _connections() -> list[int]:
    """Process ids, of a server on this machine."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def _seconds(file: Path) -> float:
    try:
        return int(file.read_text().split()[0]) / 1e9
    except OSError:  # it has ended
        return 0.0
