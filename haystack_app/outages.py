"""Outages of services: requests that fail because of one get status 503 or 507.

It is an outage if a connection could not be opened or was lost, if a lock was not
available in time, or if a service has no space or cannot be written. Other errors that
a service returns, cancelled statements and violated constraints are not outages.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, NamedTuple

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

__all__ = [
    "FULL",
    "LOCKED",
    "NO_MEMORY",
    "READ_ONLY",
    "RETRY_SECONDS",
    "UNAVAILABLE",
    "UNCONFIRMED",
    "UNSTORED",
    "Interrupted",
    "Outage",
    "Unconfirmed",
    "Unstored",
    "is_outage",
    "outage_of",
    "server_error",
]

RETRY_SECONDS = 5


class Outage(NamedTuple):
    """The status of an answer, and its text.

    The text has no reason: messages of drivers contain the names of hosts and users.
    """

    status: int
    text: str

    def after(self, stored: str) -> Outage:
        """The same, of a request of which a part is stored."""
        return self._replace(text=f"{self.text.removesuffix(_NOTHING)}; {stored}")

    @property
    def response(self) -> HttpResponse:
        """In the format of all error responses."""
        return JsonResponse(
            {"status": self.status, "dis": self.text},
            status=self.status,
            content_type="application/json; charset=utf-8",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )


class Unconfirmed(OperationalError):
    """A commit that is stored in the primary alone, and may be lost with it."""


class Unstored(OperationalError):
    """A commit that was not tried, because no standby would confirm it."""


class Interrupted(Exception):
    """An outage, its cause, after a part of a request was stored: says how much."""


_NOTHING = ": nothing was stored"
UNAVAILABLE = Outage(
    503, f"service temporarily unavailable: try again in {RETRY_SECONDS} s"
)
LOCKED = Outage(503, f"another change takes too long: try again in {RETRY_SECONDS} s")
NO_MEMORY = Outage(503, f"out of memory: try again in {RETRY_SECONDS} s")
READ_ONLY = Outage(503, f"the database cannot be written{_NOTHING}")
UNCONFIRMED = Outage(
    503, "stored, but confirmed by no standby: it may be lost with the primary"
)
UNSTORED = Outage(503, f"no standby confirms changes{_NOTHING}")
FULL = Outage(507, f"the storage of the server is full{_NOTHING}")

_SQLSTATES = {
    "25006": READ_ONLY,  # read_only_sql_transaction
    "53100": FULL,  # disk_full
    "53200": NO_MEMORY,  # out_of_memory
    "53300": UNAVAILABLE,  # too_many_connections
    "55P03": LOCKED,  # lock_not_available, after lock_timeout
    "57P01": UNAVAILABLE,  # admin_shutdown
    "57P02": UNAVAILABLE,  # crash_shutdown
    "57P03": UNAVAILABLE,  # cannot_connect_now
    "57P05": UNAVAILABLE,  # idle_session_timeout
    "58030": UNAVAILABLE,  # io_error
}
_CONNECTION = "08"
"""The class of SQLSTATEs for connection errors."""
_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_CANTOPEN: UNAVAILABLE,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
}
_PRIMARY = 0xFF
"""The bits of an extended result code of SQLite that are its primary one."""
_REDIS = {
    "BUSY": LOCKED,  # a script runs
    "NOREPLICAS": READ_ONLY,
}
"""By the first word of the error, which redis-py leaves there if it has no class."""


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` or one of its causes is an outage of a service."""
    return outage_of(error) is not None


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage that ``error`` or one of its causes is."""
    stored = ""
    while error is not None:
        if isinstance(error, Interrupted):
            stored = str(error)
        if outage := _outage(error):
            return outage.after(stored) if stored else outage
        error = error.__cause__
    return None


def _outage(error: BaseException) -> Outage | None:
    # a driver that raised an error has been imported; others may not be installed
    if isinstance(error, Unconfirmed):
        return UNCONFIRMED
    if isinstance(error, Unstored):
        return UNSTORED
    psycopg: Any = sys.modules.get("psycopg")
    redis: Any = sys.modules.get("redis")
    if psycopg and isinstance(error, psycopg.Error):
        return _postgres(error, psycopg)
    if isinstance(error, sqlite3.OperationalError):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY)
    if isinstance(error, MemoryError):  # of this process; SQLite's is one, too
        return NO_MEMORY
    return _redis(error, redis) if redis else None


def _postgres(error: Any, psycopg: Any) -> Outage | None:
    state = error.sqlstate
    if state in _SQLSTATES:
        return _SQLSTATES[state]
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    # errors of libpq itself and of the pool have no SQLSTATE
    return UNAVAILABLE if state is None or state.startswith(_CONNECTION) else None


def _redis(error: BaseException, redis: Any) -> Outage | None:
    no_answer = redis.ConnectionError, redis.TimeoutError
    if isinstance(error, (*no_answer, redis.exceptions.ClusterDownError)):
        return UNAVAILABLE
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return READ_ONLY
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return FULL
    if not isinstance(error, redis.ResponseError):
        return None
    text = str(error)
    if text.startswith("MISCONF"):  # its file cannot be written
        return FULL if "No space left" in text else READ_ONLY
    return _REDIS.get(text.partition(" ")[0])


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500`` for projects: called for errors of all views and middleware."""
    if outage := outage_of(sys.exc_info()[1]):
        return outage.response
    return defaults.server_error(request)
