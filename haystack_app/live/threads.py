"""Thread pools for calls of stores and logins, which would block the event loop.

Long work has pools of its own: calls of ops, checks of watches by filter, and checks
that are known to be slow. Logins, leases and most pushes always find a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections

__all__ = ["CALLS", "CHECKS", "SHORT", "SLOW_CHECKS", "in_thread", "in_thread_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix=f"haystack-{name}")


SHORT = _threads(3, "live")
CALLS = _threads(8, "calls")
CHECKS = _threads(2, "checks")
SLOW_CHECKS = _threads(1, "slow-checks")


async def in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Run a short ``call`` in a thread."""
    return await in_thread_of(SHORT, call, *args, **kwargs)


async def in_thread_of(
    threads: ThreadPoolExecutor,
    call: Callable[_P, _R],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _R:
    """Run ``call`` in a thread of a pool.

    Database connections are closed afterwards, because connection pools are small.
    """
    work: Callable[[], Any] = partial(_with_closing, partial(call, *args, **kwargs))
    run = copy_context().run
    found: _R = await asyncio.get_running_loop().run_in_executor(threads, run, work)
    return found


def _with_closing(call: Callable[[], _R]) -> _R:
    try:
        return call()
    finally:
        connections.close_all()
