"""The client of a Redis server: it waits for long scripts, and its replies have types.

redis-py types most replies as Any or awaitable. The commands of a store are here with
their exact types: text for the names of keys, fields, members and ids, bytes for
values.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from threading import Lock
from typing import Any, cast

from django_redis.pool import get_connection_factory
from redis import ConnectionPool, Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.client import Pipeline
from redis.exceptions import (
    ConnectionError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from ...breaker import ALIVE, DOWN, SILENT, Breaker
from ...redis_pools import Pool, end_waits
from ...redis_urls import tagged

__all__ = ["Client", "DirectClient", "PatientRedis", "StreamEntry", "connect"]

StreamEntry = tuple[int, dict[str, bytes]]
"""The first number of its id, and its fields."""

_TIMEOUT, _CONNECT_TIMEOUT = 60.0, 5.0
"""Seconds; a script that applies a large commit takes several."""
_PROBE_TIMEOUT = 2.0
_RETRIES = 3
_PAUSE = 0.1
_LONGEST = 60.0
_BUSY = re.compile(r"\bBUSY ")
"""Other words precede it in the error of a rejected transaction."""
_SCANNED = 1_000
"""Keys that the server scans in one step."""


class PatientRedis(Redis):
    """Retries while a script runs for more than 5 s and the server replies BUSY.

    A server that is down is not asked, once its breaker is open.
    """

    @cached_property
    def breaker(self) -> Breaker:
        return _breaker_of(self.connection_pool)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        command = super().execute_command
        return _patiently(self.breaker, lambda: command(*args, **options))  # type: ignore[no-untyped-call]

    def transact(self) -> _PatientPipeline:
        """A pipeline whose commands fail together, so that they can be sent again."""
        pipeline = _PatientPipeline(
            self.connection_pool, self.response_callbacks, True, None
        )
        pipeline.breaker = self.breaker
        return pipeline


class _PatientPipeline(Pipeline):
    breaker: Breaker

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)

        def once() -> list[Any]:
            self.command_stack = list(commands)
            return Pipeline.execute(self, raise_on_error)

        return list(_patiently(self.breaker, once))


def _patiently(breaker: Breaker, ask: Callable[[], Any]) -> Any:
    ends = time.monotonic() + _LONGEST
    while True:
        if breaker.is_open:
            raise ConnectionError("the server is down: not asked")
        try:
            with _used(breaker):
                return ask()
        except (ConnectionError, TimeoutError):
            breaker.suspect()
            raise
        except ResponseError as error:
            if not _BUSY.search(str(error)) or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)


@contextmanager
def _used(breaker: Breaker) -> Iterator[None]:
    """Have the breaker ask the server, if a command takes long."""
    mark = object()
    breaker.lend(id(mark), None)
    try:
        yield
    finally:
        breaker.end(id(mark))


_breakers: dict[int, Breaker] = {}
_making = Lock()


def _breaker_of(pool: ConnectionPool) -> Breaker:
    """That of all clients of a pool, which lives as long as the process."""
    with _making:
        found = _breakers.get(id(pool))
        if found is None:
            end_all = partial(end_waits, pool)
            found = Breaker("Redis", partial(_probe, pool), end_all)
            _breakers[id(pool)] = found
        return found


def _probe(pool: ConnectionPool) -> str:
    """Ask a server by a connection of its own; one that runs a script is alive."""
    words = {
        **pool.connection_kwargs,
        "socket_timeout": _PROBE_TIMEOUT,
        "socket_connect_timeout": _PROBE_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    connection = pool.connection_class(**words)
    try:
        connection.connect()
        connection.send_command("PING")
        connection.read_response()
    except TimeoutError:
        return SILENT
    except ConnectionError:  # also of one that is loading its data
        return DOWN
    except ResponseError:
        return ALIVE
    finally:
        connection.disconnect()
    return ALIVE


def connect(url: str, tag: str = "") -> PatientRedis:
    """A client that uses the connection pool of this URL.

    ``tag`` is the hash tag of the keys, for a cluster.
    """
    factory = get_connection_factory(
        {
            "REDIS_CLIENT_CLASS": f"{PatientRedis.__module__}.PatientRedis",
            "CONNECTION_POOL_CLASS": f"{Pool.__module__}.{Pool.__name__}",
            "SOCKET_TIMEOUT": _TIMEOUT,
            "SOCKET_CONNECT_TIMEOUT": _CONNECT_TIMEOUT,
            "CONNECTION_POOL_KWARGS": {
                "retry": Retry(ExponentialWithJitterBackoff(0.2, 0.01), _RETRIES)
            },
        }
    )
    # django-redis caches pools by URL: the option separates this pool from the one of
    # the cache. It comes first, for the first of two equal options is used
    place, _, options = tagged(url, tag).partition("?")
    return cast("PatientRedis", factory.connect(f"{place}?protocol=2&{options}"))


class Client:
    """Redis commands by name, with types of their replies."""

    @property
    def redis(self) -> PatientRedis:
        raise NotImplementedError

    def command(self, *words: Any) -> Any:
        """The reply to a command without a method in this class."""
        return self.redis.execute_command(*words)

    def answers(self, *commands: Sequence[Any]) -> list[Any]:
        """Replies of one transaction; errors are returned, not raised."""
        return self._transacted(commands, raise_on_error=False)

    def together(self, *commands: Sequence[Any]) -> list[Any]:
        """As ``answers``, but the first error is raised."""
        return self._transacted(commands, raise_on_error=True)

    def _transacted(
        self, commands: Iterable[Sequence[Any]], *, raise_on_error: bool
    ) -> list[Any]:
        pipeline = self.redis.transact()
        for words in commands:
            pipeline.execute_command(*words)  # type: ignore[no-untyped-call]
        return list(pipeline.execute(raise_on_error=raise_on_error))

    # -- the server ------------------------------------------------------------

    @property
    def database(self) -> int:
        return int(self.redis.connection_pool.connection_kwargs.get("db") or 0)

    def module_versions(self) -> dict[str, int]:
        """Versions of the server's modules by their names in lower case."""
        found: dict[str, int] = {}
        for entry in self.redis.module_list():
            fields = {_text(name): value for name, value in entry.items()}
            found[_text(fields["name"]).lower()] = int(fields["ver"])
        return found

    # -- keys ------------------------------------------------------------------

    def scan(self, first: str) -> Iterator[str]:
        """Names of all keys with a prefix, without the prefix."""
        for key in self.redis.scan_iter(f"{first}*", count=_SCANNED):
            yield key.decode().removeprefix(first)

    def ttl(self, key: str) -> int:
        """Seconds until a key expires; -1: never, -2: no such key."""
        return int(cast("Any", self.redis.ttl(key)))

    def unlink(self, key: str) -> None:
        self.redis.unlink(key)

    # -- strings ---------------------------------------------------------------

    def get(self, key: str) -> bytes | None:
        return cast("bytes | None", self.redis.get(key))

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self.redis.mget(keys)) if keys else []

    # -- hashes ----------------------------------------------------------------

    def hget(self, key: str, field: str) -> bytes | None:
        return cast("bytes | None", self.redis.hget(key, field))

    def hgetall(self, key: str) -> dict[str, bytes]:
        found = cast("dict[bytes, bytes]", self.redis.hgetall(key))
        return {field.decode(): value for field, value in found.items()}

    def texts(self, key: str, *fields: str) -> list[str | None]:
        """Text values of a hash."""
        found = cast("list[bytes | None]", self.redis.hmget(key, list(fields)))
        return [None if one is None else one.decode() for one in found]

    # -- sets and lists --------------------------------------------------------

    def smembers(self, key: str) -> set[str]:
        return set(_texts(self.redis.smembers(key)))

    def sunion(self, keys: Sequence[str]) -> set[str]:
        return set(_texts(self.redis.sunion(list(keys)))) if keys else set()

    def sscan(self, key: str, cursor: int, count: int) -> tuple[int, list[str]]:
        """The next cursor, 0 after the last, and some members."""
        after, members = cast("Any", self.redis.sscan(key, cursor, count=count))
        return int(after), _texts(members)

    def zrange(self, key: str) -> list[str]:
        """All members, in order."""
        return _texts(self.redis.zrange(key, 0, -1))

    def zrange_upto(self, key: str, score: int, most: int | None = None) -> list[str]:
        """Members with a score up to ``score``, the lowest first."""
        if most is None:
            return _texts(self.redis.zrangebyscore(key, "-inf", score))
        found = self.redis.zrangebyscore(key, "-inf", score, start=0, num=most)
        return _texts(found)

    def zcount_after(self, key: str, score: int) -> int:
        """The number of members with a greater score."""
        return int(cast("Any", self.redis.zcount(key, f"({score}", "+inf")))

    def lrange(self, key: str, first: int) -> list[str]:
        """Items from an index on; a negative one counts from the end."""
        return _texts(self.redis.lrange(key, first, -1))

    def llen(self, key: str) -> int:
        return int(cast("Any", self.redis.llen(key)))

    # -- streams ---------------------------------------------------------------

    def xlen(self, key: str) -> int:
        return int(cast("Any", self.redis.xlen(key)))

    def xrange_each(self, key: str, places: Sequence[str]) -> list[StreamEntry]:
        """Entries by their ids, from one transaction; missing ones are left out."""
        pipeline = self.redis.transact()
        for place in places:
            pipeline.xrange(key, place, place)
        found = pipeline.execute() if places else []
        return [_stream_entry(rows[0]) for rows in found if rows]

    def xrange_from(
        self, key: str, place: str, *, backwards: bool = False, count: int = 100
    ) -> Iterator[StreamEntry]:
        """The entries from an id on, read in pages; ``backwards``: to the oldest."""
        redis = self.redis
        start = place
        while True:
            if backwards:
                page = cast("Any", redis.xrevrange(key, start, "-", count=count))
            else:
                page = cast("Any", redis.xrange(key, start, "+", count=count))
            yield from map(_stream_entry, page)
            if len(page) < count:
                return
            start = f"({page[-1][0].decode()}"

    def last_of(self, key: str) -> str:
        """The id of the newest entry; empty if the stream is."""
        newest = cast("Any", self.redis.xrevrange(key, count=1))
        return newest[0][0].decode() if newest else ""

    def xrange_after(
        self, key: str, place: str, count: int
    ) -> list[tuple[str, dict[str, bytes]]]:
        """The entries after an id, the oldest first."""
        return _entries(self.redis.xrange(key, f"({place}", "+", count=count))

    def xrevrange_before(
        self, key: str, place: str | None, count: int
    ) -> list[tuple[str, dict[str, bytes]]]:
        """The entries before an id, or the end, the newest first."""
        end = "+" if place is None else f"({place}"
        return _entries(self.redis.xrevrange(key, end, "-", count=count))

    def xrevrange(self, key: str, field: str, count: int) -> Iterator[bytes]:
        """A field of all entries, the newest first, read in pages."""
        end = "+"
        while True:
            page = cast("Any", self.redis.xrevrange(key, end, "-", count=count))
            yield from (entry[field.encode()] for _, entry in page)
            if len(page) < count:
                return
            end = f"({page[-1][0].decode()}"

    def xtrim_before(self, key: str, milliseconds: int) -> int:
        """Delete the entries that were added before a time; returns how many."""
        found = self.redis.xtrim(key, minid=str(milliseconds), approximate=False)
        return int(cast("Any", found))


def _entries(page: Any) -> list[tuple[str, dict[str, bytes]]]:
    return [
        (id.decode(), {name.decode(): value for name, value in fields.items()})
        for id, fields in page
    ]


class DirectClient(Client):
    """The commands over an existing client."""

    def __init__(self, redis: PatientRedis) -> None:
        self._redis = redis

    @property
    def redis(self) -> PatientRedis:
        return self._redis


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _texts(found: Any) -> list[str]:
    return [one.decode() for one in cast("Iterable[bytes]", found)]


def _stream_entry(row: Any) -> StreamEntry:
    place, fields = row
    named = {name.decode(): value for name, value in fields.items()}
    return int(place.partition(b"-")[0]), named
