"""Sending commands that count together, by whoever holds a lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError, ResponseError

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
    if len(words) <= _AT_ONCE:
        _run(server, keys, lease, kind, words)
        return
    stage = keys.stage(lease.token)
    try:
        _stage(server, stage, words)
        _run(server, keys, lease, kind, words, stage)
    except BaseException:
        # it may be what the server's memory is full of
        with suppress(RedisError):
            server.redis.unlink(stage)
        raise


def _run(
    server: Server,
    keys: Keys,
    lease: Lease,
    kind: str,
    words: Sequence[Any],
    stage: str = "",
) -> None:
    fields = lease.fields
    head = lease.key, lease.token, keys.base, log.KEPT, stage, len(words), kind
    sent = () if stage else words
    try:
        server.run(APPLY, *head, len(fields), *fields, *sent)
    except ResponseError as error:
        if str(error).startswith((FENCED, STAGED)):
            raise LeaseLost(str(error)) from None
        raise
    lease.end()


def _stage(server: Server, key: str, words: Sequence[Any]) -> None:
    """Send many words before the script, so that it alone stops the others."""
    for at in range(0, len(words), _STAGED):
        pipeline = server.redis.transact()
        pipeline.rpush(key, *words[at : at + _STAGED])
        pipeline.expire(key, _STAGE_SECONDS)
        pipeline.execute()
