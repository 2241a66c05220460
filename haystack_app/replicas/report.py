"""What this process knows of replication, for metrics and the page of the status."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from django.db import connections

from ..conf import app_settings
from .monitor import monitor
from .replica import State
from .settings import PRIMARY

__all__ = ["ReplicaReport", "Replication", "replication"]


class ReplicaReport(NamedTuple):
    """``lag`` is in seconds; None if it is not known."""

    alias: str
    state: State
    lag: float | None


class Replication(NamedTuple):
    """``timeline`` is 0, and ``is_stalled`` None, of a database without replication."""

    replicas: list[ReplicaReport]
    timeline: int = 0
    is_stalled: bool | None = None


def replication() -> Replication:
    connection: Any = connections[PRIMARY]
    hosts = getattr(connection, "hosts", None)
    if hosts is None:
        return Replication([])
    found = monitor()
    longest = app_settings.REPLICATION["LAG_SECONDS"]
    replicas = [] if found is None else found.replicas.values()
    reports = [
        ReplicaReport(
            one.alias,
            one.state(longest),
            round(lag, 2) if isfinite(lag := one.lag) else None,
        )
        for one in replicas
    ]
    return Replication(reports, hosts.timeline, connection.commits.is_stalled)
