"""The CPU and the memory of processes, and those of a database's connections."""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connection

__all__ = ["Usage"]

_TICKS = os.sysconf("SC_CLK_TCK")


class Usage:
    """CPU in seconds since the start, by role.

    Of the database's server, the processes of this database count: its connections,
    vacuum and parallel workers, not its checkpoints.
    """

    def __init__(self, **roles: int) -> None:
        self.roles = roles
        self._last: dict[tuple[str, int], float] = {}
        self._first: dict[tuple[str, int], float] = {}
        self.look()

    def look(self) -> None:
        """Read all counts; once a second, for some processes end."""
        for role, pid in self.roles.items():
            for one in _tree(pid):
                self._count(role, one)
        for one in _connections():
            self._count("database", one)

    def _count(self, role: str, pid: int) -> None:
        used = _cpu(pid)
        if used is not None:
            self._last[role, pid] = used

    def start(self) -> None:
        """Count from now on; a process that begins later counts from its begin."""
        self._first = dict(self._last)

    def seconds(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for key, used in self._last.items():
            before = self._first.get(key, 0.0)
            found[key[0]] = found.get(key[0], 0.0) + used - before
        return found

    def memory(self) -> dict[str, int]:
        """Bytes of the processes of each role."""
        return {
            role: sum(_resident(one) for one in _tree(pid))
            for role, pid in self.roles.items()
        }


def _tree(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in text.split() for one in _tree(int(child)))]


def _cpu(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _connections() -> list[int]:
    """Without this one."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # that of a transaction
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]
