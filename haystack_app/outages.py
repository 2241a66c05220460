"""Outages of services: requests that fail because of one get status 503.

It is an outage if a connection could not be opened or was lost, or if a lock was not
available in time. Other errors that a service
returns, cancelled statements and violated constraints are not outages.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

__all__ = ["RETRY_SECONDS", "TEXT", "is_outage", "server_error", "unavailable"]

RETRY_SECONDS = 5
TEXT = f"service temporarily unavailable: try again in {RETRY_SECONDS} s"
"""Without the reason: messages of drivers contain the names of hosts and users."""

_SQLSTATES = {
    "53300",  # too_many_connections
    "55P03",  # lock_not_available, after lock_timeout
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now
    "57P05",  # idle_session_timeout
}
_CONNECTION = "08"
"""The class of SQLSTATEs for connection errors."""
_SQLITE = {"SQLITE_BUSY", "SQLITE_CANTOPEN"}


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` or one of its causes is an outage of a service."""
    while error is not None:
        if _is_connection_error(error):
            return True
        error = error.__cause__
    return False


def _is_connection_error(error: BaseException) -> bool:
    # a driver that raised an error has been imported; others may not be installed
    psycopg: Any = sys.modules.get("psycopg")
    redis: Any = sys.modules.get("redis")
    if psycopg and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # errors of libpq itself and of the pool have no SQLSTATE
        state = error.sqlstate
        return state is None or state in _SQLSTATES or state.startswith(_CONNECTION)
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorname", "") in _SQLITE
    return bool(redis) and isinstance(error, redis.ConnectionError | redis.TimeoutError)


def unavailable() -> HttpResponse:
    """A response with status 503, in the format of all error responses."""
    return JsonResponse(
        {"status": 503, "dis": TEXT},
        status=503,
        content_type="application/json; charset=utf-8",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500`` for projects: called for errors of all views and middleware."""
    if is_outage(sys.exc_info()[1]):
        return unavailable()
    return defaults.server_error(request)
