"""System checks of what several hosts must share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, router
from django.utils import timezone

from .imports import spool
from .models import FileImport
from .redis_urls import SERVER, RedisUrl

__all__ = ["check_redis", "check_uploads"]

_SECONDS = 2.0


@register(Tags.database)
def check_uploads(
    databases: Sequence[str] | None = None, **_: Any
) -> Iterator[CheckMessage]:
    """Files that users have uploaded must be in the spool of each host."""
    using = router.db_for_read(FileImport) or DEFAULT_DB_ALIAS
    if using not in (databases or ()):
        return
    current = FileImport.objects.filter(received__gt=0, expires_at__gt=timezone.now())
    try:
        missing = sum(1 for one in current if not spool.is_here(one))
    except DatabaseError:  # before the first ``migrate``
        return
    if missing:
        yield Warning(
            f"{missing} uploaded files are not in the folder IMPORTS_DIR of this host",
            hint="Mount one folder on all hosts of servers and workers, and name it in"
            " HAYSTACK['IMPORTS_DIR']; see docs/more-than-one-machine.md.",
            id="haystack.W014",
        )


@register(Tags.database)
def check_redis(
    databases: Sequence[str] | None = None, **_: Any
) -> Iterator[CheckMessage]:
    """A cache or a channel layer cannot be on one node of a cluster."""
    for what, url in _redis_urls() if databases else ():
        if _is_node(url):
            yield Error(
                f"the {what} has the URL of one server, which is a node of a cluster:"
                " it would fail for keys of other nodes",
                hint="Name nodes of the cluster in REDIS_URL, redis+cluster://host,host,"
                " and use haystack_app.redis_services in settings of your own.",
                id="haystack.E023",
            )


def _redis_urls() -> Iterator[tuple[str, str]]:
    """Those of single servers."""
    for alias, entry in settings.CACHES.items():
        given = entry.get("LOCATION") or []
        if "redis" in entry["BACKEND"]:
            for url in given.split(",") if isinstance(given, str) else given:
                yield f"cache {alias!r}", url
    for alias, entry in getattr(settings, "CHANNEL_LAYERS", {}).items():
        for host in entry.get("CONFIG", {}).get("hosts", ()):
            url = host.get("address") if isinstance(host, dict) else host
            if isinstance(url, str) and "core" in entry["BACKEND"]:
                yield f"channel layer {alias!r}", url


def _is_node(url: str) -> bool:
    try:
        if RedisUrl.parse(url).form != SERVER:
            return False
    except ImproperlyConfigured:
        return False
    from redis.exceptions import RedisError

    from .redis_pools import asking_once

    try:
        with asking_once(url, _SECONDS) as client:
            found: Any = client.info("cluster")
    except RedisError:  # ``/readyz`` says so
        return False
    return bool(found.get("cluster_enabled"))
