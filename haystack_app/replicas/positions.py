"""How much of the primary's log a replica must have replayed before a user's reads.

After each write the position of the primary is kept in Django's cache for the user. A
position of everyone's is kept after changes of rights and of defs, which are read from
the primary: data must not be older than the rights it is shown by. Ten seconds are
enough, because no replica that is used lags more than five.

The cache may lose positions. So it has a mark of the time since which it has lost none,
and while the mark is missing or younger than ten seconds, no replica is used.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import cache
from django.db import connections, transaction

from .lsn import CURRENT, position_of
from .settings import PRIMARY, has_shared_cache, replica_aliases

__all__ = ["SECONDS", "note", "note_everyone_on_commit", "required", "settle"]

logger = logging.getLogger(__name__)

SECONDS = 10
"""How long a position is kept."""
_EVERYONE = "haystack.position.everyone"
_MARK = "haystack.position.since"
_SOON = 1.0
_owes_mark = False
"""Whether a position was not kept, so that the mark must be set anew."""
_not_before = 0.0
"""When the cache is asked again after it failed, by the monotonic clock."""


def note(*users: Any) -> None:
    """Keep the position of the primary for the next reads of users, by primary keys.

    Call it after a commit, before the answer. It raises nothing: if the position cannot
    be kept, no process uses replicas for ten seconds.
    """
    if users and _is_wanted():
        _keep([_key(user) for user in users])


def note_everyone_on_commit(using: str) -> None:
    """The same for all users, after a change of what decides what they may see."""
    if _is_wanted():
        transaction.on_commit(lambda: _keep([_EVERYONE]), using=using)


def required(user: Any) -> int | None:
    """The position that reads of a user must see, by the user's primary key.

    None if the primary must answer.
    """
    if not settle():
        return None
    key = _key(user)
    try:
        found = cache.get_many([key, _EVERYONE, _MARK])
        since = found.get(_MARK)
        if since is None:
            cache.add(_MARK, time.time(), None)
            return None
    except Exception as error:  # of any driver of a cache
        _fail(error)
        return None
    if time.time() < since + SECONDS:
        return None
    return max(int(found.get(key, 0)), int(found.get(_EVERYONE, 0)))


def settle() -> bool:
    """Whether the cache can be relied on; sets the mark anew if this process owes it.

    The monitor calls it, too, so that other processes soon know.
    """
    global _owes_mark
    if time.monotonic() < _not_before:
        return False
    if _owes_mark:
        try:
            cache.set(_MARK, time.time(), None)
        except Exception as error:
            _fail(error)
            return False
        _owes_mark = False
    return True


def _is_wanted() -> bool:
    return bool(replica_aliases()) and has_shared_cache()


def _keep(keys: list[str]) -> None:
    global _owes_mark
    try:
        with connections[PRIMARY].cursor() as cursor:
            cursor.execute(f"SELECT {CURRENT}")
            position = position_of(cursor.fetchone()[0])
        failed = cache.set_many(dict.fromkeys(keys, position), SECONDS)
        if failed:
            raise RuntimeError("the cache did not keep a position")
    except Exception as error:
        _owes_mark = True
        _fail(error)


def _fail(error: Exception) -> None:
    """A cache that hangs takes a second of each request that asks it."""
    global _not_before
    _not_before = time.monotonic() + _SOON
    logger.warning("positions of replication: %s", type(error).__name__)


def _key(user: Any) -> str:
    return f"haystack.position.user.{user}"
