"""Django's engine for PostgreSQL, whose connections are opened through a breaker."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import Any

from django.db.backends.postgresql import base

from ..breaker import ALIVE, SILENT, Breaker
from ..conf import app_settings
from ..pooled_connections import PooledConnection
from .probe import probe

__all__ = ["DatabaseWrapper"]

_Identity = tuple[str, ...]


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections of a database that is down are refused at once, as an outage.

    One breaker serves all threads. When it opens, the pool is closed, so that what
    waits for a connection is refused too; the next one makes a new pool.
    """

    _breakers: dict[_Identity, Breaker] = {}
    _addresses: dict[_Identity, tuple[str, int]] = {}
    _guard = Lock()
    _breaker: Breaker | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        breaker = self._breaker = self._breaker_for(conn_params)
        if breaker.is_open:
            raise self.Database.OperationalError("the database is down: not connected")
        key = id(self)
        breaker.begin(key)
        try:
            raw = super().get_new_connection(conn_params)
        except BaseException as error:
            breaker.end(key)
            if isinstance(error, self.Database.OperationalError):
                breaker.suspect()
            raise
        breaker.lend(key, raw)
        self._addresses[self._identity] = _address(raw)
        return raw

    def close_if_unusable_or_obsolete(self) -> None:
        """Called before and after each request."""
        super().close_if_unusable_or_obsolete()
        if self.connection is not None and self._breaker is not None:
            self._breaker.lend(id(self), self.connection)

    def _configure_connection(self, connection: Any) -> Any:
        if isinstance(connection, PooledConnection):
            connection.breaker = self._breaker
        return super()._configure_connection(connection)  # type: ignore[misc]

    def _close(self) -> None:
        raw, breaker = self.connection, self._breaker
        was_lost = raw is not None and raw.broken
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if breaker is not None:
                breaker.end(id(self))
                if was_lost:
                    breaker.suspect()

    @property
    def _identity(self) -> _Identity:
        at = self.settings_dict
        return self.alias, *(str(at[key]) for key in ("HOST", "PORT", "NAME", "USER"))

    def _breaker_for(self, parameters: Mapping[str, Any]) -> Breaker:
        identity = self._identity
        found = self._breakers.get(identity)
        if found is None:
            with self._guard:
                found = self._breakers.get(identity)
                if found is None:
                    ask = partial(self._ask, identity, dict(parameters))
                    name = f"database {self.alias!r}"
                    found = Breaker(name, ask, partial(_close_pool, self.alias))
                    self._breakers[identity] = found
        return found

    @classmethod
    def _ask(cls, identity: _Identity, parameters: Mapping[str, Any]) -> str:
        answer = probe(parameters, cls._addresses.get(identity))
        direct = app_settings.DIRECT_DATABASE_URL
        if answer == ALIVE and direct and identity[0] == "default":
            # a pooler accepts connections while its server hangs
            found = probe({"conninfo": direct}, None)
            return SILENT if found == SILENT else ALIVE
        return answer


def _address(raw: Any) -> tuple[str, int]:
    return raw.info.hostaddr or raw.info.host, raw.info.port


def _close_pool(alias: str) -> None:
    pools: dict[str, Any] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
    pool = pools.pop(alias, None)
    if pool is not None:
        pool.close(timeout=0)
