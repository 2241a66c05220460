"""Stores and log-ins are asked in threads; the event loop only waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections

__all__ = ["in_thread"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="haystack-live")


async def in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """What ``call`` returns or raises. No connection of databases stays with a
    thread: a pool has few of them."""
    work: Callable[[], Any] = partial(_ended, partial(call, *args, **kwargs))
    found: _R = await asyncio.get_running_loop().run_in_executor(_threads, work)
    return found


def _ended(call: Callable[[], _R]) -> _R:
    try:
        return call()
    finally:
        connections.close_all()
