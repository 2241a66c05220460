"""Django's engine for PostgreSQL, whose connections are opened through a breaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any

from django.db.backends.postgresql import base

from ..breaker import ALIVE, SILENT, STRIKES, Breaker
from ..conf import app_settings
from ..pooled_connections import PooledConnection
from ..replicas.settings import PRIMARY, is_replica, replica_aliases
from .commits import Commits, follow
from .hosts import Hosts
from .probe import probe
from .schema import DatabaseSchemaEditor

__all__ = ["DatabaseWrapper"]

_Identity = tuple[str, ...]


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections of a database that is down are refused at once, as an outage.

    One breaker serves all threads. When it opens, the pool is closed, so that what
    waits for a connection is refused too; the next one makes a new pool.
    """

    SchemaEditorClass = DatabaseSchemaEditor
    _breakers: dict[_Identity, Breaker] = {}
    _addresses: dict[_Identity, tuple[str, int]] = {}
    _hosts: dict[_Identity, Hosts] = {}
    _commits: dict[_Identity, Commits] = {}
    _guard = Lock()
    _breaker: Breaker | None = None

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        hosts = self.hosts
        return parameters if hosts is None else hosts.ordered(parameters)

    @property
    def hosts(self) -> Hosts | None:
        """The hosts of a database that has several, or replicas."""
        several = "," in str(self.settings_dict["HOST"])
        has_replicas = self.alias == PRIMARY and replica_aliases()
        if not (several or has_replicas) or is_replica(self.alias):
            return None
        identity = self._identity
        found = self._hosts.get(identity)
        if found is None:
            with self._guard:
                new = Hosts(self.alias, partial(self._fail_over, identity))
                found = self._hosts.setdefault(identity, new)
        return found

    # -- commits that standbys confirm ------------------------------------------

    @property
    def commits(self) -> Commits | None:
        """Those of a database that has several hosts, or replicas."""
        hosts = self.hosts
        if hosts is None:
            return None
        identity = self._identity
        found = self._commits.get(identity)
        if found is None:
            with self._guard:
                parameters, admit = self.get_connection_params, hosts.admit
                new = Commits(self.alias, parameters, admit)
                found = self._commits.setdefault(identity, new)
        return found

    def _confirm(self, execute: Callable[..., Any], *call: Any) -> Any:
        """An execute wrapper, for statements that commit by themselves."""
        commits = self.commits
        if commits is None or self.in_atomic_block:
            return execute(*call)
        commits.before_statement(self, call[0])
        result = execute(*call)
        commits.after_commit(self.connection)
        return result

    def _set_autocommit(self, autocommit: bool) -> None:
        if not autocommit and (commits := self.commits) is not None:
            commits.before_statement(self)
        super()._set_autocommit(autocommit)  # type: ignore[misc]

    def _commit(self) -> None:
        if (commits := self.commits) is not None:
            commits.before_commit(self)
        super()._commit()  # type: ignore[misc]

    def run_and_clear_commit_hooks(self) -> None:
        """Called after each commit: what is stored is announced in any case."""
        super().run_and_clear_commit_hooks()
        if (commits := self.commits) is not None:
            commits.after_commit(self.connection)

    @classmethod
    def _fail_over(cls, identity: _Identity) -> None:
        """End all connections, for they are to another server."""
        if (commits := cls._commits.get(identity)) is not None:
            commits.begin_anew()
        if (breaker := cls._breakers.get(identity)) is not None:
            breaker.end_all()

    def suspect(self) -> None:
        """Have the server probed, because it did not answer elsewhere."""
        if (breaker := self._breakers.get(self._identity)) is not None:
            breaker.suspect()

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
        if (commits := self.commits) is not None:
            commits.start()
            if self._confirm not in self.execute_wrappers:
                # first: Django removes the last one when a context ends
                self.execute_wrappers.insert(0, self._confirm)
        return raw

    def close_if_unusable_or_obsolete(self) -> None:
        """Called before and after each request."""
        super().close_if_unusable_or_obsolete()
        if self.connection is not None and self._breaker is not None:
            self._breaker.lend(id(self), self.connection)

    def _configure_connection(self, connection: Any) -> Any:
        if isinstance(connection, PooledConnection):
            connection.breaker = self._breaker
        if (hosts := self.hosts) is not None:
            hosts.admit(connection)
            follow(connection)
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
                    end_all = partial(_close_pool, self.alias)
                    # reads need not wait for a replica that may only be slow
                    strikes = 1 if is_replica(self.alias) else STRIKES
                    found = Breaker(name, ask, end_all, strikes)
                    self._breakers[identity] = found
        return found

    @classmethod
    def _ask(cls, identity: _Identity, parameters: Mapping[str, Any]) -> str:
        if (hosts := cls._hosts.get(identity)) is not None:
            parameters = hosts.ordered(parameters)
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
