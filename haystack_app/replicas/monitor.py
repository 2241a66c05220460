"""Asks the primary and its replicas how far they are, in threads of server processes.

A replica that lags or does not answer is left out by itself, and used again when it has
caught up. Its lag grows with each moment in which nothing is known of it, so that a
server or a thread that hangs does no harm.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from threading import Lock
from typing import Any

from django.db import connections

from ..breaker import is_watching
from . import positions
from .asking import Asker, Loop, ask
from .lsn import CURRENT, REPLAYED, position_of
from .replica import Replica, State
from .settings import PRIMARY, replica_aliases
from .trail import Trail

__all__ = ["INTERVAL", "Monitor", "monitor"]

logger = logging.getLogger(__name__)

INTERVAL = 0.25
_OF_PRIMARY = f"SELECT {CURRENT}"
_OF_REPLICA = f"SELECT pg_is_in_recovery(), {REPLAYED}"


class Monitor:
    """The replicas of this process's settings, as they were found last."""

    def __init__(self, aliases: list[str]) -> None:
        self.trail = Trail()
        self._timeline = 0
        self.replicas = {alias: Replica(alias) for alias in aliases}
        of_primary = Asker(
            partial(_parameters, PRIMARY),
            self._ask_primary,
            _primary_failed,
            opened=self._primary_opened,
        )
        self._loops = [
            Loop("primary", of_primary, INTERVAL),
            *(
                Loop(one.alias, self._asker_of(one), INTERVAL)
                for one in self.replicas.values()
            ),
        ]

    def _asker_of(self, replica: Replica) -> Asker:
        return Asker(
            partial(_parameters, replica.alias),
            partial(self._ask_replica, replica),
            partial(_replica_failed, replica),
        )

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def end(self) -> None:
        for loop in self._loops:
            loop.end()

    def _primary_opened(self, raw: Any) -> None:
        hosts = _hosts()
        hosts.admit(raw)
        # it may be another server, whose positions are others
        self.trail.clear()
        self._timeline = hosts.timeline
        for replica in self.replicas.values():
            replica.is_unusable(State.STARTING)

    def _ask_primary(self, raw: Any) -> None:
        if _hosts().timeline > self._timeline:
            raise raw.OperationalError("another host is the primary")
        asked = time.monotonic()
        position = position_of(ask(raw, _OF_PRIMARY)[0])
        self.trail.add(asked, position)
        for replica in self.replicas.values():
            replica.compare(asked, position)
        positions.settle()

    def _ask_replica(self, replica: Replica, raw: Any) -> None:
        is_replica, position = ask(raw, _OF_REPLICA)
        if is_replica:
            replica.answered(position_of(position or 0), self.trail)
        else:
            replica.is_unusable(State.PROMOTED)


def _primary_failed(error: Exception) -> None:
    logger.debug("the primary did not answer: %r", error)


def _replica_failed(replica: Replica, error: Exception) -> None:
    logger.debug("replica %s did not answer: %r", replica.alias, error)
    replica.is_unusable(State.DOWN)
    connection: Any = connections[replica.alias]
    connection.suspect()  # what waits for one that hangs is to be ended


def _hosts() -> Any:
    connection: Any = connections[PRIMARY]
    return connection.hosts


def _parameters(alias: str) -> Any:
    connection: Any = connections[alias]
    return connection.get_connection_params()


_lock = Lock()
_monitor: Monitor | None = None


def monitor() -> Monitor | None:
    """That of this process, which serves requests; None without replicas."""
    global _monitor
    aliases = replica_aliases()
    if not aliases or not is_watching():
        return None
    found = _monitor
    if found is None or list(found.replicas) != aliases:
        with _lock:
            found = _monitor
            if found is None or list(found.replicas) != aliases:
                if found is not None:
                    found.end()
                found = _monitor = Monitor(aliases)
    found.start()
    return found
