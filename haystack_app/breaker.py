"""Circuit breakers of PostgreSQL and Redis: no request waits for a server that is down.

A breaker opens when the server cannot be reached, and then refuses connections at once.
One probe at a time looks whether the server is back, in a thread of its own; healthy
requests cost no statement. Nothing tells the client of a server that hangs, so a watch
looks after connections that have been in use for long.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Any

__all__ = [
    "ALIVE",
    "DOWN",
    "SILENT",
    "Breaker",
    "is_watching",
    "shut",
    "watch",
]

ALIVE, DOWN, SILENT = "alive", "down", "silent"
"""What a probe finds. A server that is silent accepts connections, or drops packets,
and says nothing."""

logger = logging.getLogger("haystack_app.databases")

PROBE_SECONDS = 0.25
"""Between two probes of a server that is down."""
WATCH_SECONDS = 0.5
SUSPICIOUS_SECONDS = 2.0
"""A connection in use for longer is a reason for a probe, then after twice that, .."""
STRIKES = 3
"""Silent probes in a row, each of two seconds, after which a server hangs: one that
is merely slow loses no statement."""


class _Use:
    """A connection that is being opened (``raw`` is None), or is in use."""

    __slots__ = ("due", "patience", "raw")

    def __init__(self, patience: float) -> None:
        self.raw: Any = None
        self.wait(patience)

    def wait(self, patience: float) -> None:
        self.patience = patience
        self.due = time.monotonic() + patience


class Breaker:
    """That of one server.

    ``ask`` is a probe; ``end_all`` ends what waits for the server, and is called after
    each probe while the breaker is open. ``strikes`` are the silent probes in a row
    after which the server hangs.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[], str],
        end_all: Callable[[], None],
        strikes: int = STRIKES,
    ) -> None:
        self.name = name
        self.strikes = strikes
        self.is_open = False
        self._ask = ask
        self._end_all = end_all
        self._lock = Lock()
        self._is_probing = False
        self._uses: dict[int, _Use] = {}
        _breakers.append(self)

    # -- connections ----------------------------------------------------------

    def begin(self, key: int) -> None:
        """A connection is going to be opened."""
        self._uses[key] = _Use(WATCH_SECONDS)
        _watcher.start()

    def lend(self, key: int, raw: Any) -> None:
        """A connection is in use, from now on."""
        use = self._uses.setdefault(key, _Use(SUSPICIOUS_SECONDS))
        use.raw = raw
        use.wait(SUSPICIOUS_SECONDS)
        _watcher.start()

    def end(self, key: int) -> None:
        self._uses.pop(key, None)

    def look(self) -> None:
        """Have the server probed if a connection has been in use for long."""
        now = time.monotonic()
        uses = [use for use in list(self._uses.values()) if use.due <= now]
        for use in uses:
            use.wait(2 * use.patience)
        if uses:
            self.suspect()

    # -- probes ---------------------------------------------------------------

    def suspect(self) -> None:
        """Have the server probed, unless it already is. Commands only have errors."""
        with self._lock:
            if self._is_probing or not _is_watching:
                return
            self._is_probing = True
        Thread(target=self._probe, name="haystack-probe", daemon=True).start()

    def _probe(self) -> None:
        silent = 0
        while (found := self._found()) != ALIVE:
            silent = silent + 1 if found == SILENT else self.strikes
            if silent >= self.strikes:
                self._open()
            if found != SILENT:
                time.sleep(PROBE_SECONDS)
        with self._lock:
            self._is_probing = False
            if self.is_open:
                self.is_open = False
                logger.info("%s is back", self.name)

    def _found(self) -> str:
        try:
            return self._ask()
        except Exception:  # an error of the probe must not refuse requests for ever
            logger.exception("%s could not be probed", self.name)
            return ALIVE

    def _open(self) -> None:
        if not self.is_open:
            self.is_open = True
            logger.error("%s is down: refusing requests", self.name)
        self.end_all()

    def end_all(self) -> None:
        """End all connections that are in use, and what waits for one."""
        try:
            self._end_all()
        except Exception:
            logger.exception("what waits for %s could not be ended", self.name)
        for use in list(self._uses.values()):
            if use.raw is not None:
                shut(use.raw)


def shut(raw: Any) -> None:
    """End a connection that another thread waits for, which libpq then notices."""
    with suppress(OSError, raw.Error):
        number = raw.fileno()
        with socket.socket(fileno=os.dup(number)) as copy:
            # else the number may by now be that of another file
            if not raw.closed and raw.fileno() == number:
                copy.shutdown(socket.SHUT_RDWR)


# -- the watch ----------------------------------------------------------------

_breakers: list[Breaker] = []
_is_watching = False


class _Watcher:
    """A thread, started when a connection is, and again in a process that forked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        if not _is_watching or (self._thread is not None and self._thread.is_alive()):
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=_run, name="haystack-watch", daemon=True)
                self._thread.start()


def _run() -> None:
    while True:
        time.sleep(WATCH_SECONDS)
        for breaker in list(_breakers):
            breaker.look()


_watcher = _Watcher()


def watch() -> None:
    """Let breakers open, and find servers that hang. For server processes only: a
    command may wait for as long as it takes."""
    global _is_watching
    _is_watching = True


def is_watching() -> bool:
    """Whether this is a process that serves requests."""
    return _is_watching
