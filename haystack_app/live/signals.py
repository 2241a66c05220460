"""The receiver that takes changes of this process to its hubs and to other processes.

It is connected when the app is ready, so that what a management command commits
reaches the servers' watches at once.
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
    """Tell the hubs of this process, and by one of them all others."""
    hints = Hints()
    hints.add(alias, ids, logged=logged)
    told = False
    for loop, one in list(hubs.items()):
        try:
            loop.call_soon_threadsafe(one.hear_own, hints, not told)
            told = True
        except RuntimeError:
            continue  # its server has ended
    if not told:
        send_now(hints)
