"""Pools of connections to Redis, by any URL of ``redis_urls``.

A pool connects to the server that has the keys now: the master that the sentinels
name, or the node of a cluster that has the slot of the keys. Each new connection asks
again, and one whose server is no longer the right one is closed.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any
from weakref import ref

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    TimeoutError,
    TryAgainError,
)
from redis.retry import Retry
from redis.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
)

from .redis_urls import CLUSTER, SERVER, RedisUrl

__all__ = ["Pool", "asking_once", "discovery_options", "end_waits", "pool_of"]

_DISCOVERY_SECONDS = 1.0


def discovery_options(url: RedisUrl) -> dict[str, Any]:
    """Options of connections to sentinels, or to nodes that are asked for slots."""
    found: dict[str, Any] = {
        "socket_timeout": _DISCOVERY_SECONDS,
        "socket_connect_timeout": _DISCOVERY_SECONDS,
        **url.sentinel,
    }
    if url.plain.startswith("rediss"):
        found["ssl"] = True
    return found


class Pool:
    """For settings that name the class of a pool, such as those of django-redis."""

    @staticmethod
    def from_url(url: str, **options: Any) -> ConnectionPool:
        return pool_of(url, **options)


def pool_of(url: str, **options: Any) -> ConnectionPool:
    """A new pool; options of the URL win over ``options``.

    Of a cluster it is one to the node with the keys of the URL's ``tag``.

    Raises ImproperlyConfigured.
    """
    at = RedisUrl.parse(url)
    if at.form == SERVER:
        return ConnectionPool.from_url(at.plain, **options)
    # a connection to the former master fails once
    options.setdefault("retry", Retry(NoBackoff(), 1))
    words = {**options, **parse_url(at.plain)}  # type: ignore[no-untyped-call]
    is_secure = words.pop("connection_class", None) is SSLConnection
    asking = {**discovery_options(at), "retry": Retry(NoBackoff(), 0)}
    if at.form == CLUSTER:
        login = {
            name: words[name] for name in ("username", "password") if name in words
        }
        kind = _SecureShardConnection if is_secure else _ShardConnection
        nodes = _Cluster(at.hosts, asking | login)
        return _pool(at.tag, nodes, connection_class=kind, **words)
    managed = _SecureManagedConnection if is_secure else _ManagedConnection
    sentinel = Sentinel(at.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    return _pool(at.service, sentinel, connection_class=managed, **words)


def asking_once(url: str, seconds: float) -> Redis:
    """A client of its own that tries nothing again, and gives up after ``seconds``.

    Raises ImproperlyConfigured.
    """
    pool = pool_of(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def end_waits(pool: ConnectionPool, but: tuple[str, int] | None = None) -> None:
    """Wake all threads that wait for a server, of another address than ``but``.

    Each of them closes its connection itself. If it was closed here, a thread that is
    about to wait would wait for the connection that gets its number next.
    """
    for connection in list(pool._in_use_connections):
        if but is not None and (connection.host, connection.port) == but:
            continue
        if (raw := connection._sock) is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)


def _pool(name: str, servers: Any, **words: Any) -> ConnectionPool:
    following = _Following(servers)
    pool = SentinelConnectionPool(name, following, **words)  # type: ignore[no-untyped-call]
    following.pool = ref(pool)
    return pool


class _Following:
    """Looks after the connections of a pool whenever the master is asked for."""

    pool: ref[ConnectionPool]

    def __init__(self, servers: Any) -> None:
        self.servers = servers

    def discover_master(self, name: str) -> tuple[str, int]:
        """Raises MasterNotFoundError."""
        found: tuple[str, int] = self.servers.discover_master(name)
        if (pool := self.pool()) is not None:
            end_waits(pool, but=found)
        return found


class _Cluster:
    """Finds the node that has the keys of a hash tag, as ``Sentinel`` finds masters."""

    def __init__(self, nodes: tuple[tuple[str, int], ...], options: Any) -> None:
        self._given = list(nodes)
        self._known: list[tuple[str, int]] = []
        self._options = options

    def discover_master(self, tag: str) -> tuple[str, int]:
        """Raises MasterNotFoundError."""
        slot = key_slot(tag.encode())
        for node in (*self._known, *self._given):
            try:
                ranges = self._ranges(node)
            except (ConnectionError, TimeoutError):
                continue
            masters = {_place(master, node) for _, _, master, *_ in ranges}
            for first, last, master, *_ in ranges:
                if first <= slot <= last:
                    self._known = list(masters)
                    return _place(master, node)
        raise MasterNotFoundError(f"no node of the cluster has the keys of {tag!r}")

    def moved(self, node: tuple[str, int]) -> None:
        """Ask this node first, because others may not know yet that it has keys."""
        self._known = [node, *self._known]

    def _ranges(self, node: tuple[str, int]) -> list[Any]:
        """First and last slot, the master and the replicas of each range."""
        host, port = node
        with Redis(host, port, **self._options) as client:
            found: list[Any] = client.execute_command("CLUSTER SLOTS")
        return found


def _place(entry: Any, asked: tuple[str, int]) -> tuple[str, int]:
    """The address of a node; one that does not know its own is the one asked."""
    host = entry[0].decode() if isinstance(entry[0], bytes) else entry[0]
    return (host if host and host != "?" else asked[0]), int(entry[1])


class _ManagedConnection(SentinelManagedConnection):
    """Asks for the master also when a command is tried again; redis-py would connect
    to the former one."""

    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        if retry_socket_connect:  # not the call of ``connect`` itself
            self.connect()  # type: ignore[no-untyped-call]
        else:
            super().connect_check_health(check_health, retry_socket_connect)


class _SecureManagedConnection(_ManagedConnection, SSLConnection):
    pass


class _ShardConnection(_ManagedConnection):
    """To a node of a cluster; the next connection asks which node has the keys."""

    def read_response(self, *args: Any, **words: Any) -> Any:
        try:
            return super().read_response(*args, **words)
        except (AskError, ClusterDownError, MovedError, TryAgainError) as error:
            if isinstance(error, MovedError):
                following = self.connection_pool.sentinel_manager
                following.servers.moved((error.host or self.host, error.port))
            self.disconnect()  # type: ignore[no-untyped-call]
            raise ConnectionError(f"the node does not have the keys: {error}") from None


class _SecureShardConnection(_ShardConnection, SSLConnection):
    pass
