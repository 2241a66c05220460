"""Effective values of points here, written to those of another Haystack server.

Each goes to one level of the priority array there, which is released when nothing is
written here. Source: docHaystack Points and the op pointWrite.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.utils import timezone

from ...filters import is_trash
from ...identity import server_id
from ...models import Connector, ConnectorEntity
from ...storage.base import StorageAdapter
from ...storage.errors import StorageError
from ...storage.priority_array import effective
from ...wire import hayson_writer
from ...wire.record import Record
from ..context import ConnectorContext
from ..http import shown
from ..links import LinkChange, store_changes
from .client import FarServer, Refused

__all__ = ["Writes"]

_TOPIC = "write"
_SENT = "sent"
_BATCH = 200
_MOST_NAME = 60
_AFTER = ", after "
_MOST_SERVERS = 5
_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Effective:
    """What is to be written there: a value, who wrote it, or why it is not sent."""

    value: Any = None
    who: str = ""
    error: str = ""


@dataclass(slots=True)
class Writes:
    """Of one connector."""

    connector: Connector
    store: StorageAdapter
    server: FarServer
    level: int
    refused: dict[int, tuple[Any, float]] = field(default_factory=dict)
    """What was refused, and when it is tried again, by keys of rows."""

    def send(self, context: ConnectorContext) -> int:
        """Send what changed since it was sent last. Returns the number of writes.

        What the server refuses is noted at the point, and tried again later.
        """
        links = self.connector.entities.filter(taken__has_key="writable")
        every = links.order_by("pk").iterator()
        sent = 0
        while part := list(islice(every, _BATCH)):
            ids = [link.entity_id for link in part]
            for link, record in zip(part, self.store.read_by_ids(ids), strict=True):
                sent += self._send(link, record)
                context.check()
        return sent

    def _send(self, link: ConnectorEntity, record: Record | None) -> bool:
        """Whether there was something to send."""
        now = self._effective(record)
        encoded = None if now.value is None else hayson_writer.encode(now.value)
        held = link.state.get(_SENT, [None])
        refused, again_at = self.refused.get(link.pk, (None, 0.0))
        if refused == [encoded] and time.monotonic() < again_at:
            return False
        if [encoded] == held:
            if now.error:
                store_changes({link.pk: LinkChange(_TOPIC, now.error)})
            return False
        state = {_SENT: None if encoded is None else [encoded]}
        error = self._write(link.far_id, now)
        if error:
            self.refused[link.pk] = [encoded], time.monotonic() + _AGAIN_SECONDS
            state = {}
        else:
            self.refused.pop(link.pk, None)
        store_changes({link.pk: LinkChange(_TOPIC, error or now.error, state)})
        return True

    def _effective(self, record: Record | None) -> _Effective:
        """What this server itself has sent before is not sent again.

        It came back from another server, and would stay for ever.
        """
        if record is None or "writable" not in record or is_trash(record):
            return _Effective()
        if record.get("writeVal") is None:
            return _Effective()
        try:
            levels = self.store.array_of(record, timezone.now())
        except StorageError as error:
            return _Effective(error=shown(str(error)))
        number, value = effective(levels)
        who = levels[number].who if number in levels else ""
        if f" of {server_id()}" in who:
            text = f"loop: level {number} came back from another server"
            return _Effective(error=f"{text}, so it is released there")
        if who.count(_AFTER) >= _MOST_SERVERS:
            return _Effective(error=f"loop: it came through {_MOST_SERVERS} servers")
        return _Effective(value, who)

    def _write(self, far_id: str, now: _Effective) -> str:
        """Why the server refused it, or an empty text. Raises ConnectorError."""
        who = f"connector {self.connector.name[:_MOST_NAME]} of {server_id()}"
        if now.who.startswith("connector "):
            who += f"{_AFTER}{now.who}"
        try:
            self.server.point_write(far_id, self.level, now.value, who)
        except Refused as error:
            return shown(str(error))
        return ""
