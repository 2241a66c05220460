"""Entries of ``CACHES`` and ``CHANNEL_LAYERS``, by any URL of ``redis_urls``."""

from __future__ import annotations

from typing import Any

from .redis_urls import CLUSTER, SENTINEL, RedisUrl, tagged

__all__ = ["CACHE_TAG", "cache", "channel_layer"]

CACHE_TAG = "haystack-cache"
"""The hash tag of the cache on a cluster: all its keys are on one node."""
_SECONDS = 1.0
"""A server that hangs costs each request these, and no more."""
_RECEIVE_SECONDS = 8.0
"""More than the 5 s after which a server ends a wait for messages: one that says
nothing for so long has disappeared."""
_CONNECTIONS = 1000


def cache(url: str) -> dict[str, Any]:
    """Raises ImproperlyConfigured."""
    at = RedisUrl.parse(url)
    entry: dict[str, Any] = {
        "BACKEND": "django_redis.cache.RedisCache",
        # in a list: django-redis takes hosts after a comma for other servers
        "LOCATION": [tagged(url, CACHE_TAG)],
        "OPTIONS": {
            "CLIENT_CLASS": "haystack_app.shared_cache.SharingClient",
            "CONNECTION_POOL_CLASS": "haystack_app.redis_pools.Pool",
            "SOCKET_CONNECT_TIMEOUT": _SECONDS,
            "SOCKET_TIMEOUT": _SECONDS,
        },
    }
    if at.form == CLUSTER:
        entry["KEY_PREFIX"] = f"{{{CACHE_TAG}}}"
    return entry


def channel_layer(url: str) -> dict[str, Any]:
    """The core layer, or on a cluster the one by PUBLISH, which works on any node.

    Raises ImproperlyConfigured.
    """
    at = RedisUrl.parse(url)
    if at.form == CLUSTER:
        from .redis_nodes import any_node

        return {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [any_node(at)]},
        }
    if at.form == SENTINEL:
        from .redis_nodes import master

        host = master(at)
    else:
        host = {"address": url}
    words = {"socket_timeout": _RECEIVE_SECONDS, "max_connections": _CONNECTIONS}
    return {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [host | words]},
    }
