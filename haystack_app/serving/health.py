"""Whether the server can do its work: ``/healthz`` and ``/readyz``.

Each item is asked in a thread of its own and remembered for a second, so that a
service that hangs does not hold the answer, and many callers cost no more than one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from concurrent.futures import Future
from functools import partial
from threading import Lock, Thread
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import ChannelLayerManager, get_channel_layer
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from ..conf import app_settings
from ..extras import imported_for
from ..outages import FULL, LOCKED, NO_MEMORY, READ_ONLY, RETRY_SECONDS, outage_of
from ..redis_services import CACHE_TAG
from ..redis_urls import tagged
from ..replicas.settings import is_replica
from ..storage.handler import storages
from ..unapplied import unapplied_migrations
from .bodies import App, Receive, Scope, Send, header_text
from .content_coding import REFUSED, Codings

__all__ = ["LIVE", "READY", "Health", "HealthLayer", "health_checks"]

LIVE = "/healthz"
READY = "/readyz"
PATHS = (LIVE, READY)

OK = "ok"
SECONDS = 5.0
"""How long an answer waits for its items."""
_FRESH_SECONDS = 1.0
_LATE = f"no answer within {SECONDS:g} s"
_SERVICE_SECONDS = 2.0
_WRITE_SECONDS = 10.0
_BUSY = "busy with another change"
_REASONS = {
    FULL: "the storage is full",
    LOCKED: _BUSY,
    NO_MEMORY: "out of memory",
    READ_ONLY: "read-only",
}
_TASK = "health"

GetResponse = Callable[[HttpRequest], HttpResponse]


class Probe:
    """One item; ``ask`` returns what is wrong, or ``OK``, and may raise.

    An answer is remembered for ``seconds``, by default one.
    """

    def __init__(self, ask: Callable[[], str], seconds: float | None = None) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = Lock()
        self._answer: Future[str] | None = None
        self._stale = 0.0

    def answer(self) -> Future[str]:
        """The one that is under way, else the last one, else a new one."""
        with self._lock:
            last = self._answer
            if last is None or (last.done() and time.monotonic() >= self._stale):
                self._answer = last = Future()
                Thread(target=self._run, args=(last,), daemon=True).start()
            return last

    def _run(self, answer: Future[str]) -> None:
        try:
            text = self._ask()
        except Exception as error:
            outage = outage_of(error)
            # its text has hosts and users in it
            text = f"no answer ({type(error).__name__})"
            text = _REASONS.get(outage, text) if outage else text
        fresh = _FRESH_SECONDS if self._seconds is None else self._seconds
        self._stale = time.monotonic() + fresh
        answer.set_result(text)


class Health:
    """What this process says of itself: a status and an object for JSON."""

    def __init__(self) -> None:
        self.probes = {name: Probe(ask) for name, ask in _items().items()}
        self.writes = {
            alias: Probe(partial(_write, alias), _WRITE_SECONDS) for alias in storages
        }

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == LIVE:
            return _live()
        asked, written = _answers(self.probes), _answers(self.writes)
        futures.wait([*asked.values(), *written.values()], SECONDS)
        return _ready(asked, written)

    async def aanswer(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == LIVE:
            return _live()
        asked, written = _answers(self.probes), _answers(self.writes)
        every = map(asyncio.wrap_future, (*asked.values(), *written.values()))
        await asyncio.wait(every, timeout=SECONDS)
        return _ready(asked, written)


def _live() -> tuple[int, dict[str, Any]]:
    return 200, {"status": OK}


def _answers(probes: Mapping[str, Probe]) -> dict[str, Future[str]]:
    return {name: probe.answer() for name, probe in probes.items()}


def _ready(
    asked: Mapping[str, Future[str]], written: Mapping[str, Future[str]]
) -> tuple[int, dict[str, Any]]:
    checks, writes = _texts(asked), _texts(written)
    needed = set(checks.values())
    if app_settings.READY_NEEDS_WRITES:
        needed |= set(writes.values()) - {_LATE, _BUSY}
    status = 200 if needed <= {OK} else 503
    word = OK if status == 200 else "unavailable"
    return status, {"status": word, "checks": checks, "writes": writes}


def _texts(asked: Mapping[str, Future[str]]) -> dict[str, str]:
    return {name: it.result() if it.done() else _LATE for name, it in asked.items()}


class HealthLayer:
    """Answers in the event loop, without any of the threads.

    While a database is down, its requests keep every thread waiting; a check of
    whether the process lives must not wait for them.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.health = Health()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _path(scope) not in PATHS:
            await self.app(scope, receive, send)
            return
        codings = Codings.parse(header_text(scope["headers"], b"accept-encoding"))
        if not codings.is_possible:
            await _send(send, 406, {"status": 406, "dis": REFUSED})
            return
        status, report = await self.health.aanswer(_path(scope))
        await _send(send, status, report, gzipped=not codings.identity)


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


async def _send(
    send: Send, status: int, report: dict[str, Any], gzipped: bool = False
) -> None:
    body = json.dumps(report).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-cache, no-store"),
        (b"vary", b"Accept-Encoding"),
    ]
    if gzipped:
        body = gzip.compress(body)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    if status == 503:
        headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def health_checks(get_response: GetResponse) -> GetResponse:
    """Middleware for WSGI: before all that redirects, logs in or asks for the host.

    The callers are proxies and containers' own health checks, which speak plain
    HTTP and name any host.
    """
    health = Health()

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path_info not in PATHS:
            return get_response(request)
        status, report = health.answer(request.path_info)
        response = JsonResponse(report, status=status)
        if status != 200:
            response["Retry-After"] = str(RETRY_SECONDS)
        return response

    return answer


# -- items --------------------------------------------------------------------


def _items() -> dict[str, Callable[[], str]]:
    """By the name that the answer has for each."""
    found: dict[str, Callable[[], str]] = {}
    for alias in connections:
        if is_replica(alias):  # the server works without
            continue
        suffix = "" if alias == DEFAULT_DB_ALIAS else f".{alias}"
        found[f"database{suffix}"] = partial(_database, alias)
        found[f"migrations{suffix}"] = partial(_migrations, alias)
    if url := getattr(settings, "REDIS_URL", ""):
        found["redis"] = partial(_redis, url)
    if get_channel_layer() is not None:
        found["channelLayer"] = _channel_layer
    return found


def _write(alias: str) -> str:
    """A small write to a store, which shows a full disk and a replica."""
    now = dt.datetime.now(dt.UTC)
    try:
        storages[alias].try_write(_TASK, now)
    finally:
        connections.close_all()
    return OK


def _database(alias: str) -> str:
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return OK


def _migrations(alias: str) -> str:
    try:
        count = unapplied_migrations(alias)
    finally:
        connections[alias].close()
    return f"{count} not applied" if count else OK


def _redis(url: str) -> str:
    with imported_for("REDIS_URL", "redis"):
        from ..redis_pools import asking_once
    with asking_once(tagged(url, CACHE_TAG), _SERVICE_SECONDS) as client:
        client.ping()
    return OK


def _channel_layer() -> str:
    return asyncio.run(_round_trip())


async def _round_trip() -> str:
    # one of our own: a layer that receives belongs to an event loop, here the hub's
    layer = ChannelLayerManager()[DEFAULT_CHANNEL_LAYER]
    async with asyncio.timeout(_SERVICE_SECONDS):
        channel = await layer.new_channel("haystack-health")
        await layer.send(channel, {"type": "haystack.health"})
        await layer.receive(channel)
    return OK
