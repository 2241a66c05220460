"""Which of the hosts of a database is the primary, told by their timelines.

Promoting a standby begins a timeline with a higher number. An old primary that comes
back accepts writes, too, and ``target_session_attrs=read-write`` takes the first host
that does. So the highest timeline is remembered, by the process and in Django's cache,
and connections to a lower one are refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from django.core.cache import cache

from ..breaker import is_watching
from ..replicas.asking import Loop, ask, connect

__all__ = ["Host", "Hosts", "hosts_in"]

logger = logging.getLogger("haystack_app.databases")

Host = tuple[str, str]
"""A name or address, and a port, as in the parameters of a connection."""
_TIMELINE = """
    SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE
        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    END
"""
"""0 of a standby."""
_CLUSTER = "SELECT system_identifier FROM pg_control_system()"
_LOOK_SECONDS = 1.0
_WITHOUT_CACHE_SECONDS = 5.0


def hosts_in(parameters: Mapping[str, Any]) -> list[Host]:
    """The hosts that the parameters of a connection list."""
    names = str(parameters.get("host", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    if len(ports) == 1:
        ports *= len(names)
    return list(zip(names, ports, strict=False))


class Hosts:
    """Those of one database.

    ``fail_over`` ends the connections of this process; it is called when another host
    has become the primary.
    """

    def __init__(self, alias: str, fail_over: Callable[[], None]) -> None:
        self.alias = alias
        self.timeline = 0
        """The highest one that is known; 0 if none is."""
        self.primary: Host | None = None
        self._fail_over = fail_over
        self._parameters: Mapping[str, Any] = {}
        self._must_look = True
        self._lock = Lock()
        self._loop = Loop(f"hosts-{alias}", self._look, _LOOK_SECONDS)
        self._cluster = ""
        self._told = 0
        self._not_before = 0.0

    def ordered(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The same parameters, with the primary as the first host, if it is known.

        Where there are several, all are asked at first, and then by servers each
        second: a process that has just started, or whose primary hangs, gets to know
        another primary.
        """
        hosts = hosts_in(parameters)
        if len(hosts) == 1:
            return dict(parameters)
        self._parameters = parameters
        if self._must_look:
            self._look()
        if is_watching():
            self._loop.start()
        first = [one for one in hosts if one == self.primary]
        names, ports = zip(
            *first, *(one for one in hosts if one not in first), strict=True
        )
        return {**parameters, "host": ",".join(names), "port": ",".join(ports)}

    def admit(self, raw: Any) -> None:
        """Raises OperationalError for a connection to an old primary.

        Called for each new connection.
        """
        timeline = _scalar(raw, _TIMELINE)
        if not timeline:  # a standby, where the parameters accept one
            return
        self._learn(raw)
        if timeline < self.timeline:
            self._refused(raw)
            logger.error(
                "database %r: refusing %s:%s, whose timeline %s is older than %s: it is"
                " not the primary any more",
                *(self.alias, raw.info.host, raw.info.port, timeline, self.timeline),
            )
            raw.close()  # Django would use it in spite of the error
            raise raw.OperationalError(
                f"the server's timeline {timeline} is older than {self.timeline}"
            )
        self.timeline = timeline
        self.primary = raw.info.host, str(raw.info.port)
        if timeline > self._told:
            self._tell()

    def _refused(self, raw: Any) -> None:
        """End the others, and what waits for more, unless another host is known."""
        if self.primary in (None, (raw.info.host, str(raw.info.port))):
            self.primary = None
            self._must_look = True
            self._fail_over()

    def _look(self) -> None:
        with self._lock:
            for host in hosts_in(self._parameters):
                self._look_at(host)
            self._must_look = False

    def _look_at(self, host: Host) -> None:
        from psycopg import Error

        words = {"host": host[0], "port": host[1], "target_session_attrs": "any"}
        try:
            with connect({**self._parameters, **words}) as raw:
                timeline = ask(raw, _TIMELINE)[0]
        except Error:
            return
        before = self.timeline
        if not timeline or timeline < before:
            return
        self.timeline, self.primary = timeline, host
        if 0 < before < timeline:
            logger.warning(
                "database %r: %s:%s is the primary now, on timeline %s",
                *(self.alias, *host, timeline),
            )
            self._fail_over()

    # -- what other processes know ---------------------------------------------

    def _learn(self, raw: Any) -> None:
        """The highest timeline that any process has seen of this cluster."""
        if not self._cluster:
            self._cluster = _cluster_of(raw)
        if time.monotonic() < self._not_before:
            return
        try:
            self._told = int(cache.get(self._key, 0))
            self.timeline = max(self.timeline, self._told)
        except Exception as error:  # of any driver of a cache
            self._fail(error)

    def _tell(self) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            cache.set(self._key, self.timeline, None)
            self._told = self.timeline
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """A cache that hangs takes a second of each connection."""
        self._not_before = time.monotonic() + _WITHOUT_CACHE_SECONDS
        logger.warning("timelines: no cache: %s", type(error).__name__)

    @property
    def _key(self) -> str:
        """Other clusters count their timelines for themselves."""
        return f"haystack.timeline.{self.alias}.{self._cluster}"


def _cluster_of(raw: Any) -> str:
    try:
        return str(_scalar(raw, _CLUSTER))
    except raw.Error:  # the role may not ask
        raw.rollback()
        return "unknown"


def _scalar(raw: Any, sql: str) -> Any:
    with raw.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
