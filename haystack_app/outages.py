"""Services that are down for now: such requests are answered 503, try again.

It is an outage when no connection could be had, or when one broke. What a service
refuses, a statement that was cancelled and a row that breaks a rule are none.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

__all__ = ["RETRY_SECONDS", "TEXT", "is_outage", "server_error", "unavailable"]

RETRY_SECONDS = 5
TEXT = f"the server cannot do its work just now: try again in {RETRY_SECONDS} s"
"""Without the reason: what drivers say has the names of hosts and users in it."""

_SQLSTATES = {
    "53300",  # too_many_connections
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now
    "57P05",  # idle_session_timeout
}
_CONNECTION = "08"
"""The class of SQLSTATEs that are about the connection."""
_SQLITE = {"SQLITE_BUSY", "SQLITE_CANTOPEN"}


def is_outage(error: BaseException | None) -> bool:
    """Whether a service was not there, be it only the cause of ``error``."""
    while error is not None:
        if _is_missing_service(error):
            return True
        error = error.__cause__
    return False


def _is_missing_service(error: BaseException) -> bool:
    # a driver that raised an error has been imported; others may not be installed
    psycopg: Any = sys.modules.get("psycopg")
    redis: Any = sys.modules.get("redis")
    if psycopg and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # libpq's own complaints have none, nor have those of the pool
        state = error.sqlstate
        return state is None or state in _SQLSTATES or state.startswith(_CONNECTION)
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorname", "") in _SQLITE
    return bool(redis) and isinstance(error, redis.ConnectionError | redis.TimeoutError)


def unavailable() -> HttpResponse:
    """Status 503 in the words of all other refusals."""
    return JsonResponse(
        {"status": 503, "dis": TEXT},
        status=503,
        content_type="application/json; charset=utf-8",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500`` of a project: it hears of what any view or middleware raises."""
    if is_outage(sys.exc_info()[1]):
        return unavailable()
    return defaults.server_error(request)
