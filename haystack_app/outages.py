"""Outages of services: requests that fail because of one get status 503 or 507.

It is an outage if a connection could not be opened or was lost, if a lock was not
available in time, or if a service has no space or cannot be written. Other errors that
a service returns, cancelled statements and violated constraints are not outages.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

__all__ = [
    "FULL",
    "LOCKED",
    "READ_ONLY",
    "RETRY_SECONDS",
    "UNAVAILABLE",
    "Outage",
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

    @property
    def response(self) -> HttpResponse:
        """In the format of all error responses."""
        return JsonResponse(
            {"status": self.status, "dis": self.text},
            status=self.status,
            content_type="application/json; charset=utf-8",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )


UNAVAILABLE = Outage(
    503, f"service temporarily unavailable: try again in {RETRY_SECONDS} s"
)
LOCKED = Outage(503, f"another change takes too long: try again in {RETRY_SECONDS} s")
READ_ONLY = Outage(503, "the database cannot be written: nothing was stored")
FULL = Outage(507, "the storage of the server is full: nothing was stored")

_SQLSTATES = {
    "25006": READ_ONLY,  # read_only_sql_transaction
    "53100": FULL,  # disk_full
    "53200": UNAVAILABLE,  # out_of_memory
    "53300": UNAVAILABLE,  # too_many_connections
    "55P03": LOCKED,  # lock_not_available, after lock_timeout
    "57P01": UNAVAILABLE,  # admin_shutdown
    "57P02": UNAVAILABLE,  # crash_shutdown
    "57P03": UNAVAILABLE,  # cannot_connect_now
    "57P05": UNAVAILABLE,  # idle_session_timeout
}
_CONNECTION = "08"
"""The class of SQLSTATEs for connection errors."""
_SQLITE = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_CANTOPEN": UNAVAILABLE,
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": READ_ONLY,
}


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` or one of its causes is an outage of a service."""
    return outage_of(error) is not None


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage that ``error`` or one of its causes is."""
    while error is not None:
        if outage := _outage(error):
            return outage
        error = error.__cause__
    return None


def _outage(error: BaseException) -> Outage | None:
    # a driver that raised an error has been imported; others may not be installed
    psycopg: Any = sys.modules.get("psycopg")
    redis: Any = sys.modules.get("redis")
    if psycopg and isinstance(error, psycopg.Error):
        return _postgres(error, psycopg)
    if isinstance(error, sqlite3.OperationalError):
        return _SQLITE.get(getattr(error, "sqlite_errorname", ""))
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
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return UNAVAILABLE
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return READ_ONLY
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return FULL
    if isinstance(error, redis.ResponseError) and str(error).startswith("MISCONF"):
        # its file cannot be written
        return FULL if "No space left" in str(error) else READ_ONLY
    return None


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500`` for projects: called for errors of all views and middleware."""
    if outage := outage_of(sys.exc_info()[1]):
        return outage.response
    return defaults.server_error(request)
