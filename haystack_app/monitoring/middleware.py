"""Middleware that counts requests, gives each an id, and logs it.

It is the first of ``MIDDLEWARE``, so that what others take counts, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path
from prometheus_client import Counter, Histogram

from ..conf import app_settings
from ..instruments import REQUEST_SECONDS, REQUESTS
from ..ops import find_op
from ..request_facts import RequestFacts, current_facts, request_id_of
from ..storage.handler import DEFAULT_ALIAS, storages
from .line_rate import LineRate
from .plans import log_plans

__all__ = ["monitor"]

logger = logging.getLogger(__name__)

_HEADER = "X-Request-ID"
_rate = LineRate()

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def monitor(get_response: GetResponse) -> GetResponse:
    def answer(request: HttpRequest) -> HttpResponseBase:
        facts = RequestFacts(request_id_of(request.headers.get(_HEADER, "")))
        token = current_facts.set(facts)
        began = time.perf_counter()
        try:
            response = get_response(request)
            seconds = time.perf_counter() - began
            response[_HEADER] = facts.id
            _record(request, response, facts, seconds)
            return response
        finally:
            current_facts.reset(token)

    return answer


def _record(
    request: HttpRequest,
    response: HttpResponseBase,
    facts: RequestFacts,
    seconds: float,
) -> None:
    target, storage = _target(request)
    _requests(target, storage, response.status_code).inc()
    _seconds(target).observe(seconds)
    if facts.slow:
        log_plans(facts)
    is_slow = 0 < app_settings.SLOW_SECONDS <= seconds
    level = logging.WARNING if is_slow or response.status_code >= 500 else logging.INFO
    if not logger.isEnabledFor(level):
        return
    if level == logging.INFO and not _rate.allows(app_settings.REQUEST_LOG_RATE):
        return
    logger.log(
        level,
        "%s %s %s",
        request.method,
        escape_uri_path(request.path[:200]),  # without line breaks
        response.status_code,
        extra={
            "request_id": facts.id,
            "user": _user(request),
            "op": facts.op or target,
            "storage": storage,
            "query": facts.query,
            "status": response.status_code,
            "rows": facts.rows,
            "ms": round(seconds * 1_000, 1),
            "statements": facts.statements,
            "statement_ms": round(facts.statement_seconds * 1_000, 1),
        },
    )


def _target(request: HttpRequest) -> tuple[str, str]:
    """The op or the name of the view, and the storage; few different ones in all."""
    match = request.resolver_match
    if match is None:
        return "unknown", ""
    project = match.kwargs.get("project") or ""
    storage = project if project in storages else ("" if project else DEFAULT_ALIAS)
    name = match.kwargs.get("name")
    if match.url_name == "op" and name is not None:
        op = find_op(name)
        return (op.name if op else "unknown"), storage
    return match.view_name or "unknown", storage


def _user(request: HttpRequest) -> str:
    user: Any = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else ""


# ``labels`` itself takes longer than counting
@cache
def _requests(target: str, storage: str, status: int) -> Counter:
    return REQUESTS.labels(target, storage, status)


@cache
def _seconds(target: str) -> Histogram:
    return REQUEST_SECONDS.labels(target)
