"""Connections of channel layers to a master with Sentinel, and to a cluster."""

from __future__ import annotations

import random
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection
from redis.connection import SSLConnection as SyncSSLConnection
from redis.connection import parse_url

from .redis_pools import discovery_options
from .redis_urls import RedisUrl

__all__ = ["any_node", "master"]

_CONNECT_SECONDS = 1.0


def master(at: RedisUrl) -> dict[str, Any]:
    """The entry of ``hosts`` for the master of a service."""
    words, is_secure = _words(at)
    return {
        "sentinels": list(at.hosts),
        "master_name": at.service,
        "sentinel_kwargs": discovery_options(at),
        "connection_class": _SecureMasterConnection if is_secure else _MasterConnection,
        "socket_connect_timeout": _CONNECT_SECONDS,
        **words,
    }


def any_node(at: RedisUrl) -> dict[str, Any]:
    """The entry of ``hosts`` for a cluster, whose nodes pass messages on."""
    words, is_secure = _words(at)
    return {
        "connection_class": _SecureNodeConnection if is_secure else _NodeConnection,
        "nodes": at.hosts,
        "socket_connect_timeout": _CONNECT_SECONDS,
        **words,
    }


def _words(at: RedisUrl) -> tuple[dict[str, Any], bool]:
    """Login, database and options, and whether they are for TLS."""
    words: dict[str, Any] = parse_url(at.plain)  # type: ignore[no-untyped-call]
    return words, words.pop("connection_class", None) is SyncSSLConnection


class _MasterConnection(SentinelManagedConnection):
    """Asks for the master also when a command is tried again, as in ``redis_pools``."""

    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        if retry_socket_connect:
            await self.connect()  # type: ignore[no-untyped-call]
        else:
            await super().connect_check_health(check_health, retry_socket_connect)


class _SecureMasterConnection(_MasterConnection, SSLConnection):
    pass


class _NodeConnection(Connection):
    """To any of the nodes that answers."""

    def __init__(self, *, nodes: tuple[tuple[str, int], ...], **words: Any) -> None:
        self._nodes = nodes
        super().__init__(**words)

    async def _connect(self) -> None:
        """Raises the last node's error."""
        error: Exception | None = None
        for host, port in random.sample(self._nodes, len(self._nodes)):
            self.host, self.port = host, port
            try:
                await super()._connect()  # type: ignore[no-untyped-call]
            except (OSError, TimeoutError) as found:
                error = found
            else:
                return
        assert error is not None
        raise error


class _SecureNodeConnection(_NodeConnection, SSLConnection):
    pass
