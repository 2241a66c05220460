"""Sending commands that count together, by whoever holds a lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from . import log
from .keys import Keys
from .locks import Lease, LeaseLost
from .server import Command, Server
from .writing_scripts import APPLY, FENCED, STAGED

__all__ = ["apply"]

_AT_ONCE = 20_000
"""Words that go with the script itself; more are sent before it in parts."""
_STAGED = 5_000
_STAGE_SECONDS = 600


def apply(
    server: Server, keys: Keys, lease: Lease, kind: str, commands: Iterable[Command]
) -> None:
    """Make all of it visible at once, and give the lease back.

    ``kind`` is that of the index the commands are meant for, or empty where they
    are for none. Raises LeaseLost or LayoutChanged.
    """
    words: list[Any] = []
    for command in commands:
        words.append(len(command))
        words.extend(command)
    if not words:
        lease.release()
        return
    stage, size = "", len(words)
    if size > _AT_ONCE:
        stage, words = _staged(server, keys.stage(lease.token), words), []
    fields = lease.fields
    head = lease.key, lease.token, keys.base, log.KEPT, stage, size, kind
    try:
        server.run(APPLY, *head, len(fields), *fields, *words)
    except ResponseError as error:
        if str(error).startswith((FENCED, STAGED)):
            raise LeaseLost(str(error)) from None
        raise
    lease.end()


def _staged(server: Server, key: str, words: Sequence[Any]) -> str:
    """Send many words before the script, so that it alone stops the others."""
    for at in range(0, len(words), _STAGED):
        pipeline = server.redis.transact()
        pipeline.rpush(key, *words[at : at + _STAGED])
        pipeline.expire(key, _STAGE_SECONDS)
        pipeline.execute()
    return key
