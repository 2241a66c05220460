"""The connection to a Redis server, and what the server can do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django_redis.pool import get_connection_factory
from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError, NoScriptError, ResponseError
from redis.retry import Retry

from . import reading_scripts as reading
from . import writing_scripts as writing
from .client import PatientRedis
from .script import Script
from .writing_scripts import LAYOUT

__all__ = ["SEARCH", "SERIES", "Command", "LayoutChanged", "Server"]

Command = tuple[Any, ...]
"""The words of one, its name first."""

SEARCH, SERIES = "search", "timeseries"
_TIMEOUT, _CONNECT_TIMEOUT = 60.0, 5.0
"""Seconds; a script that applies a large commit takes some of them."""
_PROBE_TIMEOUT = 2.0
_SCRIPTS = (
    *(writing.ACQUIRE, writing.RENEW, writing.RELEASE, writing.APPLY),
    *(writing.SINCE, writing.PRUNE),
    *(reading.FETCH, reading.VERSIONS, reading.PAGE, reading.FIND, reading.SEARCH),
    *(reading.SPAN, reading.SIZES),
)
_RETRIES = 3
_OLDEST_SEARCH = 21_000
"""RediSearch 2.10: DIALECT 2 with parameters as they are used here."""
_SCHEMES = ("redis", "rediss", "unix")
_UNREADABLE = (
    "the URL of a Redis server is redis://[user:password@]host[:port]/[database],"
    " or one with rediss: or unix:; quote / ? # [ ] @ in a password as %2F and so on"
)


class LayoutChanged(ConnectionError):
    """A store that was flushed or reindexed meanwhile; the next try knows it."""


class Server:
    """One server, by its URL. Threads may share it, and forks get own connections.

    Errors of the connection are redis.exceptions.ConnectionError and TimeoutError;
    a URL that cannot be one is ImproperlyConfigured.
    """

    def __init__(self, url: str, *, modules: bool = True) -> None:
        self._shown = _without_secrets(url)
        self.url = url
        self._wanted = modules
        self._modules: dict[str, int] | None = None
        self.starts = 0
        """How often the server, or what is in it, was found to be another one."""

    def __str__(self) -> str:
        """Where the server is, without a password."""
        return self._shown

    @cached_property
    def redis(self) -> PatientRedis:
        factory = get_connection_factory(
            {
                "REDIS_CLIENT_CLASS": f"{PatientRedis.__module__}.PatientRedis",
                "SOCKET_TIMEOUT": _TIMEOUT,
                "SOCKET_CONNECT_TIMEOUT": _CONNECT_TIMEOUT,
                "CONNECTION_POOL_KWARGS": {
                    "retry": Retry(ExponentialWithJitterBackoff(0.2, 0.01), _RETRIES)
                },
            }
        )
        # pools are kept by their URL: the cache's own has other options. In front, as
        # the first of two counts
        place, _, options = self.url.partition("?")
        return cast("PatientRedis", factory.connect(f"{place}?protocol=2&{options}"))

    def command(self, *words: Any) -> Any:
        """The answer to a command that the client has no method for."""
        return self.redis.execute_command(*words)

    def answers(self, *commands: Sequence[Any]) -> list[Any]:
        """Answers of one state; an error is among them, not raised."""
        pipeline = self.redis.transact()
        for words in commands:
            pipeline.execute_command(*words)  # type: ignore[no-untyped-call]
        return list(pipeline.execute(raise_on_error=False))

    def probe(self) -> Redis:
        """A connection of its own that gives up soon."""
        probe: Redis = Redis.from_url(
            self.url,
            socket_timeout=_PROBE_TIMEOUT,
            socket_connect_timeout=_PROBE_TIMEOUT,
            retry=None,
        )
        return probe

    def run(self, script: Script, *args: Any) -> Any:
        """The script's answer; a server that does not know it yet is told."""
        while True:
            try:
                return self.redis.evalsha(script.sha, 0, *args)
            except NoScriptError:
                # the server has started anew: maybe it is another one
                self._modules = None
                self.starts += 1
                for each in _SCRIPTS:
                    self.redis.script_load(each.text)
            except ResponseError as error:
                if str(error).startswith(LAYOUT):
                    self.starts += 1
                    raise LayoutChanged(f"{error}: ask again") from None
                raise

    @property
    def modules(self) -> dict[str, int]:
        """Versions of those modules that serve here, by ``SEARCH`` and ``SERIES``."""
        return self.installed if self._wanted else {}

    @property
    def installed(self) -> dict[str, int]:
        """The same, whether or not they are to be used."""
        if self._modules is None:
            self._modules = self._detected()
        return self._modules

    def _module_list(self) -> list[Any]:
        return cast("list[Any]", self.redis.module_list())

    def _detected(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self._module_list():
            fields = {_text(name): value for name, value in entry.items()}
            found[_text(fields["name"]).lower()] = int(fields["ver"])
        serving: dict[str, int] = {}
        database = self.redis.connection_pool.connection_kwargs.get("db") or 0
        if found.get("search", 0) >= _OLDEST_SEARCH and int(database) == 0:
            serving[SEARCH] = found["search"]  # it has indexes in database 0 only
        if "timeseries" in found:
            serving[SERIES] = found["timeseries"]
        return serving


def _without_secrets(url: str) -> str:
    """Host, port and database of a URL. Raises ImproperlyConfigured.

    A password can be in front of the host and among the options; the client's own
    errors have a piece of one that is not quoted.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ImproperlyConfigured(_UNREADABLE) from None
    if parts.scheme not in _SCHEMES or parts.fragment or "@" in parts.path:
        raise ImproperlyConfigured(_UNREADABLE)
    database = dict(parse_qsl(parts.query)).get("db", "")
    return (
        f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
        + (f":{port}" if port else "")
        + parts.path
        + (f"?db={database}" if database.isdecimal() else "")
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
