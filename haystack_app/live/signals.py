"""The receiver that sends changes of this process to its hubs and to other processes.

It is connected when the app is ready, so that commits of management commands reach the
servers' watches at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from django.dispatch import receiver

from ..storage.signals import entities_changed
from .notifications import Hints, send_now

__all__ = ["hubs", "publish"]

hubs: dict[asyncio.AbstractEventLoop, Any] = {}
"""The hubs of this process, by their event loops."""


@receiver(entities_changed)
def publish(alias: str, ids: frozenset[str], logged: bool, **_: Any) -> None:
    """Notify the hubs of this process; one of them relays to other processes."""
    hints = Hints()
    hints.add(alias, ids, logged=logged)
    relayed = False
    for loop, one in list(hubs.items()):
        try:
            loop.call_soon_threadsafe(one.add_local_hints, hints, not relayed)
            relayed = True
        except RuntimeError:
            continue  # the loop is closed
    if not relayed:
        send_now(hints)
