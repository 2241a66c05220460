"""The replicas of Redis, with Sentinel or on a cluster, as their master sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings

from .redis_urls import SERVER, RedisUrl

__all__ = ["RedisReplica", "cache_urls", "replicas_of"]

_SECONDS = 1.0
_STATE_ONLINE = "online"


class RedisReplica(NamedTuple):
    """A replica that is connected to its master.

    ``lag``: seconds since it last confirmed what it has, which it does each second.
    ``missing``: bytes of the master's log that it has not confirmed.
    """

    address: str
    lag: float
    missing: int


def replicas_of(url: str) -> list[RedisReplica] | None:
    """Those of the master that has the keys now; None for a server without others.

    One that loads a copy is not among them. Raises redis.exceptions.RedisError,
    ImproperlyConfigured.
    """
    if RedisUrl.parse(url).form == SERVER:
        return None
    from .redis_pools import asking_once

    with asking_once(url, _SECONDS) as client:
        found: dict[str, Any] = client.info("replication")
    rows = (found.get(f"slave{n}") for n in range(int(found["connected_slaves"])))
    return [
        RedisReplica(
            f"{row['ip']}:{row['port']}",
            float(row["lag"]),
            max(0, int(found["master_repl_offset"]) - int(row["offset"])),
        )
        for row in rows
        if row is not None and row["state"] == _STATE_ONLINE
    ]


def cache_urls() -> Iterator[tuple[str, str]]:
    """Aliases and URLs of the caches that ``redis_services`` made."""
    for alias, entry in settings.CACHES.items():
        given = entry.get("LOCATION")
        if entry["BACKEND"].startswith("django_redis.") and isinstance(given, list):
            yield from ((alias, url) for url in given[:1])
