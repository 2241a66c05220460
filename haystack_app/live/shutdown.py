"""Stops hubs when the server process receives a signal to terminate.

Servers wait for responses before they shut down the application, and event streams
would not end by themselves.
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

_registered: WeakSet[Hub] = WeakSet()


def stop_on_signal(hub: Hub) -> None:
    """Stop a hub of the running event loop on SIGTERM and SIGINT.

    The server's own handler is called afterwards. Without such handlers, or outside
    the main thread, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread() or hub in _registered:
        return
    _registered.add(hub)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        server_handler = signal.getsignal(number)
        if callable(server_handler):
            signal.signal(number, _chained(loop, hub, server_handler))


def _chained(
    loop: asyncio.AbstractEventLoop, hub: Hub, next: Callable[..., Any]
) -> Callable[..., Any]:
    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(hub.stop)
        next(number, frame)

    return handle
