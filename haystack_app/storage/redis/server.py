"""The connection to a Redis server, and the modules that it supports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, ResponseError
from redis.retry import Retry

from ...redis_pools import pool_of
from ...redis_urls import RedisUrl, tagged
from .client import Client, DirectClient, PatientRedis, connect
from .scripts import LAYOUT, SCRIPTS, Script

__all__ = ["SEARCH", "SERIES", "Command", "LayoutChanged", "Server"]

Reply = TypeVar("Reply")
Command = tuple[Any, ...]
"""The words of a command, its name first."""

SEARCH, SERIES = "search", "timeseries"
_PROBE_TIMEOUT = 2.0
_OLDEST_SEARCH = 21_000
"""RediSearch 2.10, for parameters with DIALECT 2."""


class LayoutChanged(ConnectionError):
    """The store was flushed or reindexed meanwhile; another try will succeed."""


class Server(Client):
    """One server, by its URL. Threads may share it; forks get their own connections.

    ``tag`` is the hash tag of all keys, by which a cluster finds their node. ``guard``
    is called before the first command, and again if the server may be
    another one; the command raises its exceptions.

    Connections raise redis.exceptions.ConnectionError and TimeoutError; an invalid URL
    raises ImproperlyConfigured.
    """

    def __init__(
        self,
        url: str,
        *,
        modules: bool = True,
        tag: str = "",
        guard: Callable[[Client], None] | None = None,
    ) -> None:
        at = RedisUrl.parse(url)
        self._shown, self.form = at.shown, at.form
        self.url = url
        self.tag = tag
        self._wanted = modules
        self._guard = guard
        self._guarded: int | None = None
        self._modules: dict[str, int] | None = None
        self.starts = 0
        """Counts how often the server has restarted or its content was replaced."""

    def __str__(self) -> str:
        """The address of the server, without a password."""
        return self._shown

    @property
    def redis(self) -> PatientRedis:
        if self._guard is not None and self._guarded != self.starts:
            starts = self.starts
            self._guard(DirectClient(self._unguarded))
            self._guarded = starts
        return self._unguarded

    @cached_property
    def _unguarded(self) -> PatientRedis:
        return connect(self.url, self.tag)

    def unguarded(self) -> Server:
        """The same server, without the guard."""
        return Server(self.url, modules=self._wanted, tag=self.tag)

    def probe(self) -> Redis:
        """A separate connection with short timeouts."""
        return Redis.from_pool(
            pool_of(
                tagged(self.url, self.tag),
                socket_timeout=_PROBE_TIMEOUT,
                socket_connect_timeout=_PROBE_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
        )

    def run(self, script: Script[Reply], keys: Sequence[str], *args: Any) -> Reply:
        """The script's reply; loads the scripts if the server does not have them."""
        while True:
            try:
                found = self.redis.evalsha(script.sha, len(keys), *keys, *args)
                return script.reply(found)
            except NoScriptError:
                # the server was restarted or replaced
                self._modules = None
                self.starts += 1
                for each in SCRIPTS:
                    self.redis.script_load(each.text)
            except ResponseError as error:
                if str(error).startswith(LAYOUT):
                    raise self.changed(str(error)) from None
                raise

    def changed(self, why: str) -> LayoutChanged:
        """The error to raise; the layout is read again for the next command."""
        self.starts += 1
        return LayoutChanged(f"{why}: try again")

    @property
    def uses_modules(self) -> bool:
        """Whether the modules that the server has are to be used."""
        return self._wanted

    @property
    def modules(self) -> dict[str, int]:
        """Versions of the modules to use, by ``SEARCH`` and ``SERIES``."""
        return self.installed if self._wanted else {}

    @property
    def installed(self) -> dict[str, int]:
        """Versions of supported modules, also if they are not to be used."""
        if self._modules is None:
            self._modules = self._detected()
        return self._modules

    def _detected(self) -> dict[str, int]:
        found, serving = self.module_versions(), {}
        if found.get("search", 0) >= _OLDEST_SEARCH and self.database == 0:
            serving[SEARCH] = found["search"]  # indexes exist in database 0 only
        if "timeseries" in found:
            serving[SERIES] = found["timeseries"]
        return serving
