"""Hears that the server is asked to end.

Servers wait for their last answers before they tell anybody, and the answer to a
follower has no end of its own.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from .hub import Hub

__all__ = ["stop_on_signal"]

_heard: WeakSet[Hub] = WeakSet()


def stop_on_signal(hub: Hub) -> None:
    """Stop a hub of the running event loop when the process gets a signal to end.

    What the server itself does about it comes next. Where it has no handlers, or no
    loop of the main thread, nothing is heard.
    """
    if threading.current_thread() is not threading.main_thread() or hub in _heard:
        return
    _heard.add(hub)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        servers_own = signal.getsignal(number)
        if callable(servers_own):
            signal.signal(number, _chained(loop, hub, servers_own))


def _chained(
    loop: asyncio.AbstractEventLoop, hub: Hub, next: Callable[..., Any]
) -> Callable[..., Any]:
    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(hub.stop)
        next(number, frame)

    return handle
