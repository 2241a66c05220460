"""System checks of a store on Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from ....redis_urls import SERVER
from ..keys import Keys
from ..layout import RENAMED
from ..server import Server

__all__ = ["messages", "server_text"]

_OLDEST = (7, 0)


def messages(alias: str, server: Server, keys: Keys) -> list[CheckMessage]:
    """Messages about the server; a warning if it does not answer."""
    try:
        return list(_found(alias, server, keys))
    except RedisError as error:
        return [
            Warning(
                f"storage {alias!r}: {server} does not answer: {error}",
                hint="The other checks of this storage were skipped.",
                id="haystack.W020",
            )
        ]


def _found(alias: str, server: Server, keys: Keys) -> Iterator[CheckMessage]:
    with server.probe() as probe:
        info: dict[str, Any] = probe.info()
        if server.form == SERVER and info.get("cluster_enabled"):
            yield Error(
                f"storage {alias!r}: {server} is a node of a cluster",
                hint="Name nodes of the cluster: redis+cluster://host,host",
                id="haystack.E023",
            )
            return
        index = probe.hget(keys.former_meta, "index")
        workers = _number_of(probe, "search-workers") if server.uses_modules else 0
        replicas = _number_of(probe, "min-replicas-to-write")
    version = str(info.get("redis_version", "0"))
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        yield Error(
            f"storage {alias!r}: {server} is Redis {version}",
            hint="Redis 7.0 or newer is needed.",
            id="haystack.E020",
        )
    if index not in (None, RENAMED.encode()):
        yield Error(
            f"storage {alias!r}: the keys of {keys.former} are those of an earlier"
            " version",
            hint="Stop all programs of that version, then run haystack_redis_reindex.",
            id="haystack.E022",
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        yield Warning(
            f"storage {alias!r}: {server} removes keys when its memory is full"
            f" (maxmemory-policy {policy})",
            hint="Set maxmemory-policy noeviction, and use another server for caches.",
            id="haystack.W021",
        )
    if not int(info.get("aof_enabled", 0)):
        yield Warning(
            f"storage {alias!r}: {server} loses all changes since its last snapshot"
            " when it stops",
            hint="Set appendonly yes; docs/storage.md says what it costs.",
            id="haystack.W022",
        )
    if server.form != SERVER and not replicas:
        yield Warning(
            f"storage {alias!r}: a master that is cut off from its replicas goes on to"
            " acknowledge writes, which are lost when another one takes over",
            hint="Set min-replicas-to-write 1 and min-replicas-max-lag on all servers;"
            " see docs/more-than-one-machine.md.",
            id="haystack.W024",
        )
    if workers:
        yield Warning(
            f"storage {alias!r}: {server} has search-workers {workers}, so that queries"
            " of filters do not run in the script that reads the entities",
            hint="Set search-workers 0: each filter takes more round trips otherwise,"
            " and its entities are not from one snapshot.",
            id="haystack.W023",
        )


def _number_of(probe: Redis, name: str) -> int:
    """A setting of the server; 0 where it has none, or does not tell."""
    try:
        found: Any = probe.config_get(name)
    except ResponseError:  # a user without the command
        return 0
    return int(found.get(name, 0))


def server_text(server: Server) -> str:
    """The version of the server that has the keys now, its address and replicas."""
    with server.probe() as probe:
        info: dict[str, Any] = probe.info()
        text = f"Redis {info['redis_version']}"
        if server.form == SERVER:
            return text
        host, port = probe.connection_pool.get_master_address()
    count = info["connected_slaves"]
    return f"{text}, {server.form}: master {host}:{port}, {count} replicas"
