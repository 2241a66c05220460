"""Stores and log-ins are asked in threads; the event loop only waits for them.

What takes long waits only for its like: ops of clients for other ops, watches by
filter for other ones, those that are known to be slow for these, so that log-ins,
leases and most pushes find a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections

__all__ = ["CALLS", "LOOKS", "SHORT", "SLOW_LOOKS", "in_thread", "in_thread_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix=f"haystack-{name}")


SHORT = _threads(3, "live")
CALLS = _threads(4, "calls")
LOOKS = _threads(2, "looks")
SLOW_LOOKS = _threads(1, "slow-looks")


async def in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """What ``call`` returns or raises; it is short."""
    return await in_thread_of(SHORT, call, *args, **kwargs)


async def in_thread_of(
    threads: ThreadPoolExecutor,
    call: Callable[_P, _R],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _R:
    """The same in one of these threads. No connection of databases stays with a
    thread: a pool has few of them."""
    work: Callable[[], Any] = partial(_ended, partial(call, *args, **kwargs))
    found: _R = await asyncio.get_running_loop().run_in_executor(threads, work)
    return found


def _ended(call: Callable[[], _R]) -> _R:
    try:
        return call()
    finally:
        connections.close_all()
