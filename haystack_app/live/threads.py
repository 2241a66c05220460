"""Stores and log-ins are asked in threads; the event loop only waits for them.

What takes long waits only for its like: ops of clients for other ops, watches by
filter for other ones, so that log-ins, leases and most pushes find a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections

__all__ = ["CALLS", "LOOKS", "SHORT", "in_thread", "in_thread_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

SHORT = ThreadPoolExecutor(max_workers=4, thread_name_prefix="haystack-live")
CALLS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="haystack-calls")
LOOKS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="haystack-looks")


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
