"""Hints between threads and processes: these entities may have changed.

A hint does not contain data, only where to look. The channel layer may drop messages
and a process may die before it sends one, so receivers must also check periodically.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from .notify import NotifyLayer, notify_layer

__all__ = ["GROUP", "SECONDS", "Hints", "send", "send_now", "shared_layer"]

logger = logging.getLogger(__name__)

GROUP = "haystack.changes"
_TYPE = "haystack.changes"
SECONDS = 2.0
"""Timeout of calls of the layer."""
_MAX_IDS = 2_000
"""A hint with more ids concerns all entities."""


@dataclass(slots=True)
class Hints:
    """Ids that may have changed, None for any, and grown logs, by storage alias."""

    ids: dict[str, set[str] | None] = field(default_factory=dict)
    logged: set[str] = field(default_factory=set)
    since: float = field(default_factory=time.monotonic)
    """When the first of them was noticed, by the monotonic clock."""

    def __bool__(self) -> bool:
        return bool(self.ids or self.logged)

    def add(self, alias: str, ids: Iterable[str] | None, *, logged: bool) -> None:
        held = self.ids.setdefault(alias, set())
        if held is not None and ids is not None:
            held.update(ids)
        if held is None or ids is None or len(held) > _MAX_IDS:
            self.ids[alias] = None
        if logged:
            self.logged.add(alias)

    def merge(self, other: Hints) -> None:
        if not self:
            self.since = other.since
        for alias, ids in other.ids.items():
            self.add(alias, ids, logged=alias in other.logged)

    def message(self, origin: str) -> dict[str, Any]:
        """The message for a channel layer; ``origin`` is the id of the sending hub."""
        return {
            "type": _TYPE,
            "origin": origin,
            "ids": {
                alias: None if ids is None else sorted(ids)
                for alias, ids in self.ids.items()
            },
            "logged": sorted(self.logged),
        }

    @classmethod
    def of(cls, message: dict[str, Any]) -> Hints:
        found = cls()
        for alias, ids in message["ids"].items():
            found.add(alias, ids, logged=alias in message["logged"])
        return found


def shared_layer() -> Any:
    """The layer that sends hints between processes: channel layer or PostgreSQL.

    None if there is neither. Channels' in-memory layer is not used because it does not
    support threads, in which changes are made.
    """
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return notify_layer()
    return layer


async def send(layer: Any, message: dict[str, Any]) -> None:
    """Raises errors of the layer's driver, and TimeoutError."""
    async with asyncio.timeout(SECONDS):
        await layer.group_send(GROUP, message)


def send_now(hints: Hints) -> None:
    """Send hints from a process without a hub, such as a command, to servers."""
    layer = shared_layer()
    if layer is None:
        return
    try:
        if isinstance(layer, NotifyLayer):
            layer.send(hints.message(""))
        else:
            async_to_sync(send)(layer, hints.message(""))
    except Exception:  # of any driver of a layer; the changes are stored
        logger.warning("the channel layer is not available: watches update later")
