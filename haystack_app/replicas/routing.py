"""Decides which server answers a read: the one place that does.

A read runs on one server as a whole, over one connection, so that no answer mixes two
states. It sees what its user has written, as far as that was acknowledged. What fails
on a replica is asked of the primary again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, Self, TypeVar

from django.db import connections
from prometheus_client import Counter

from ..conf import app_settings
from ..instruments import REPLICA_READS
from ..outages import is_outage
from . import positions
from .lsn import REPLAYED, position_of
from .monitor import monitor
from .replica import Replica, State
from .settings import PRIMARY, has_shared_cache, is_replica

__all__ = ["Readable", "answered_by", "is_lost", "view_of"]

logger = logging.getLogger(__name__)

_R = TypeVar("_R")
_CONFLICTS = ("40001", "40P01")
"""Serialization failure, and deadlock: what PostgreSQL cancels statements by."""
_PAUSE = 0.001
"""Seconds between two looks at a replica that is almost there."""


class Readable(Protocol):
    """A store, some of which are in a database."""

    @property
    def database(self) -> str | None: ...

    def in_replica(self, using: str) -> Self: ...


_S = TypeVar("_S", bound=Readable)


def answered_by(store: _S, user: Any, answer: Callable[[_S], _R]) -> _R:
    """What ``answer`` returns for the store in a replica, or else in the primary.

    ``answer`` must only read, and may be called again.
    """
    view = view_of(store, user)
    if view is None:
        return answer(store)
    try:
        return answer(view)
    except Exception as error:
        if not is_lost(view, error):
            raise
        logger.warning("%s failed: asking the primary", view.database)
        _count(PRIMARY, "failed")
    return answer(store)


def is_lost(store: Readable, error: BaseException) -> bool:
    """Whether a store failed to answer: an outage, or a conflict with what a replica
    replays, which needs rows that the primary has removed since."""
    if is_outage(error):
        return True
    if store.database is None or not is_replica(store.database):
        return False
    states = (getattr(one, "sqlstate", None) for one in (error, error.__cause__))
    return any(state in _CONFLICTS for state in states)


def view_of(store: _S, user: Any) -> _S | None:
    """The store in a replica, for one read of a user; None if the primary must answer.

    Without replicas this costs nothing.
    """
    if not app_settings.REPLICATION["REPLICAS"] or store.database != PRIMARY:
        return None
    found = monitor()
    if found is None or not has_shared_cache():
        return None
    longest = app_settings.REPLICATION["LAG_SECONDS"]
    fresh = [one for one in found.replicas.values() if one.is_fresh(longest)]
    replica, reason = _chosen(fresh, user)
    if replica is None:
        _count(PRIMARY, reason)
        return None
    _count(replica.alias, "")
    return store.in_replica(replica.alias)


def _chosen(fresh: Sequence[Replica], user: Any) -> tuple[Replica | None, str]:
    """A replica that has what the user wrote, or why not."""
    if not fresh:
        return None, "lag"
    position = positions.required(user.pk)
    if position is None:
        return None, "cache"
    # of the same user the same one, whose state does not go back
    replica = fresh[hash(user.pk) % len(fresh)]
    if replica.replayed < position and not _reaches(replica, position):
        return None, "writes"
    return replica, ""


def _reaches(replica: Replica, position: int) -> bool:
    """Whether a replica replays up to a position in time, asked by a statement.

    It must be one before the read: a statement that asks for both would have its
    snapshot before its answer.
    """
    wait: int = app_settings.REPLICATION["WAIT_MS"]
    deadline = time.monotonic() + wait / 1_000
    try:
        with connections[replica.alias].cursor() as cursor:
            while True:
                cursor.execute(f"SELECT pg_is_in_recovery(), {REPLAYED}")
                follows, value = cursor.fetchone()
                if not follows:
                    replica.is_unusable(State.PROMOTED)
                    return False
                replica.saw(reached := position_of(value or 0))
                if reached >= position:
                    return True
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_PAUSE)
    except Exception as error:
        if not is_outage(error):
            raise
        return False


def _count(database: str, reason: str) -> None:
    _counter(database, reason).inc()


@cache  # ``labels`` itself takes longer than counting
def _counter(database: str, reason: str) -> Counter:
    return REPLICA_READS.labels(database, reason)
