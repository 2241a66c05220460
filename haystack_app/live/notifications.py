"""Hints between threads and processes: these entities may have changed.

A hint never counts as news; it says where to look. The channel layer drops
messages, a process may die before it says anything: whoever listens also looks
by itself from time to time.
"""

from __future__ import annotations

import asyncio
import logging
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
"""For an answer of the layer: a server that hangs holds nobody up."""
_MOST = 2_000
"""Ids of a hint; with more of them it is about everything."""


@dataclass(slots=True)
class Hints:
    """By storage alias: ids that may have changed, None for any; grown logs."""

    ids: dict[str, set[str] | None] = field(default_factory=dict)
    logged: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.ids or self.logged)

    def add(self, alias: str, ids: Iterable[str] | None, *, logged: bool) -> None:
        held = self.ids.setdefault(alias, set())
        if held is not None and ids is not None:
            held.update(ids)
        if held is None or ids is None or len(held) > _MOST:
            self.ids[alias] = None
        if logged:
            self.logged.add(alias)

    def merge(self, other: Hints) -> None:
        for alias, ids in other.ids.items():
            self.add(alias, ids, logged=alias in other.logged)

    def message(self, origin: str) -> dict[str, Any]:
        """For a channel layer; ``origin`` knows it already."""
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
    """What carries hints between processes: the channel layer, or PostgreSQL.

    None where there is neither. The channel layer in memory is not for threads,
    which is where changes are made.
    """
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return notify_layer()
    return layer


async def send(layer: Any, message: dict[str, Any]) -> None:
    """Raises whatever a layer's driver does, and TimeoutError where it hangs."""
    async with asyncio.timeout(SECONDS):
        await layer.group_send(GROUP, message)


def send_now(hints: Hints) -> None:
    """From a process that serves nothing, such as a command, to those that do."""
    layer = shared_layer()
    if layer is None:
        return
    try:
        if isinstance(layer, NotifyLayer):
            layer.send(hints.message(""))
        else:
            async_to_sync(send)(layer, hints.message(""))
    except Exception:  # whatever a layer's driver raises: all is stored already
        logger.warning("the channel layer does not answer: changes are seen later")
