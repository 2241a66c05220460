"""Hints between processes by PostgreSQL's NOTIFY, if there is no channel layer.

It implements the four methods of a channel layer that the hub uses. LISTEN requires a
connection of its own without a pooler: PgBouncer in transaction mode accepts it, but
notifications never arrive. A pooler is recognised before LISTEN is sent, because other
clients would get the notifications. The layer then sends itself a message, and has
joined when the message has arrived.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from ..conf import app_settings
from ..sql.sessions import ANSWERS_ITSELF
from ..storage.handler import storages
from ..storage.orm import OrmAdapter
from .threads import in_thread

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["Deaf", "NotifyLayer", "notify_layer"]

CHANNEL = "haystack_changes"
_LONGEST = 7_900
"""Bytes of a payload; PostgreSQL refuses more than 8,000."""
_SOCKET_OPTIONS = (
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "service",
    "sslmode",
    "sslrootcert",
    "connect_timeout",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)


class Deaf(Exception):
    """A pooler stands before the server: notifications would not arrive."""

    def __init__(self, using: str) -> None:
        super().__init__(
            f"database {using!r} is reached through a pooler, which does not pass on"
            " notifications: changes of other processes are looked up every 2 s. Set"
            " DATABASE_DIRECT_URL to the server itself"
        )


def notify_layer() -> NotifyLayer | None:
    """A layer for the storages' PostgreSQL databases, or None without any."""
    if not app_settings.NOTIFY:
        return None
    # not the adapters: one that commits when it is made, and so is here, is not ready
    found = {
        entry.get("OPTIONS", {}).get("using", DEFAULT_DB_ALIAS)
        for entry in storages.settings.values()
        if issubclass(import_string(entry["BACKEND"]), OrmAdapter)
    }
    databases = [it for it in sorted(found) if connections[it].vendor == "postgresql"]
    return NotifyLayer(databases) if databases else None


class NotifyLayer:
    """``databases`` are aliases of PostgreSQL databases."""

    def __init__(self, databases: list[str]) -> None:
        self.databases = databases
        self._listening: list[asyncio.Task[None]] = []
        self._received: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue()

    async def new_channel(self) -> str:
        return CHANNEL

    async def group_add(self, group: str, channel: str) -> None:
        """Listen, and verify that messages arrive. Raises Deaf, errors of psycopg."""
        await self.close()
        self._received = asyncio.Queue()
        probe = {"origin": secrets.token_hex(8), "ids": {}, "logged": []}
        for using in self.databases:
            connection = await self._connected(using)
            task = asyncio.create_task(self._listen(connection))
            self._listening.append(task)
            await in_thread(_notify, using, json.dumps(probe))
            while await self.receive(channel) != probe:
                continue

    async def close(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        self._listening.clear()

    async def receive(self, channel: str) -> dict[str, Any]:
        message = await self._received.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await in_thread(self.send, message)

    def send(self, message: dict[str, Any]) -> None:
        """Send from the thread of a change, over its own database connection."""
        text = json.dumps(message)
        if len(text.encode()) > _LONGEST:
            everything = dict.fromkeys(message["ids"])
            text = json.dumps({**message, "ids": everything})
        for using in self.databases:
            _notify(using, text)

    async def _connected(self, using: str) -> AsyncConnection[Any]:
        from psycopg import AsyncConnection

        direct = app_settings.DIRECT_DATABASE_URL
        if direct and using == "default":
            connection = await AsyncConnection.connect(direct, autocommit=True)
        else:
            given = connections[using].get_connection_params()
            parameters = {it: given[it] for it in _SOCKET_OPTIONS if it in given}
            connection = await AsyncConnection.connect(**parameters, autocommit=True)
        pid = connection.info.backend_pid
        found = await (await connection.execute(ANSWERS_ITSELF, [pid])).fetchone()
        if not found or not found[0]:
            await connection.close()
            raise Deaf(using)
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    async def _listen(self, connection: AsyncConnection[Any]) -> None:
        try:
            async with connection:
                async for notification in connection.notifies():
                    self._received.put_nowait(json.loads(notification.payload))
        except Exception as error:
            self._received.put_nowait(error)


def _notify(using: str, text: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
