"""Runs the enabled connectors in a worker, each in a thread, and by one worker only."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from django.db import connections
from django.db.models.functions import Now

from ..jobs import local
from ..jobs.context import JobSignals
from ..models import Connector
from . import status
from .context import ENDED, ConnectorContext
from .errors import explained
from .kind import ConnectorKind
from .registry import kind_of

__all__ = ["ConnectorService"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_STALLED_SECONDS = 300.0
"""A thread that shows no life for so long is taken to hang."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


@dataclass(slots=True)
class _Running:
    connector: Connector
    context: ConnectorContext
    thread: Thread


class ConnectorService:
    """A service of workers; see ``jobs.services``."""

    def __init__(self) -> None:
        self.holder = f"{local.name_of_process()}:{secrets.token_hex(2)}"
        self.running: dict[int, _Running] = {}

    @staticmethod
    def is_due() -> bool:
        """Whether there are connectors that no worker runs."""
        return Connector.objects.filter(enabled=True).free("").exists()

    def is_busy(self) -> bool:
        return bool(self.running)

    def run(self, stopping: Event) -> None:
        while not stopping.wait(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Begin, keep and end what runs. Raises if the database cannot be used."""
        wanted = {row.pk: row for row in Connector.objects.filter(enabled=True)}
        for pk, run in list(self.running.items()):
            row = wanted.get(pk)
            if not run.thread.is_alive():
                self._forget(pk)
            elif row is None or row.changed_at != run.connector.changed_at:
                run.context.signals.stopping.set()
            elif _is_stalled(run):
                logger.error("connector %s hangs; giving it up", row.name)
                run.context.signals.lost.set()
                del self.running[pk]  # its lease ends, and another worker takes it
        self._keep()
        for pk, row in wanted.items():
            if pk not in self.running and self._take(pk):
                self._begin(row)

    def stop(self) -> None:
        for run in self.running.values():
            run.context.signals.stopping.set()
        for pk, run in list(self.running.items()):
            while run.thread.is_alive() and not _is_stalled(run):
                self._keep()
                run.thread.join(_LOOK_SECONDS)
            self._forget(pk)

    def _take(self, pk: int) -> bool:
        free = Connector.objects.filter(pk=pk, enabled=True).free("")
        until = Now() + local.lease()
        return bool(free.update(holder=self.holder, lease_until=until))

    def _keep(self) -> None:
        for pk, run in self.running.items():
            held = Connector.objects.held_by(self.holder).filter(pk=pk)
            if not held.update(lease_until=Now() + local.lease()):
                run.context.signals.lost.set()

    def _begin(self, row: Connector) -> None:
        context = ConnectorContext(row, JobSignals())
        thread = Thread(
            target=_repeat, args=(row, context), name=f"connector-{row.pk}", daemon=True
        )
        self.running[row.pk] = _Running(row, context, thread)
        thread.start()

    def _forget(self, pk: int) -> None:
        del self.running[pk]
        with suppress(Exception):  # it ends by itself
            held = Connector.objects.filter(pk=pk, holder=self.holder)
            held.update(lease_until=None)


def _is_stalled(run: _Running) -> bool:
    return time.monotonic() - run.context.alive_at > _STALLED_SECONDS


def _repeat(row: Connector, context: ConnectorContext) -> None:
    """Run a connector again and again, after pauses that grow while it fails."""
    pause = _SHORTEST_PAUSE
    while True:
        begun = time.monotonic()
        try:
            _run_once(row, context)
        except ENDED:
            return
        finally:
            connections.close_all()
        is_new = time.monotonic() - begun > _LONGEST_PAUSE
        pause = _SHORTEST_PAUSE if is_new else min(pause * 2, _LONGEST_PAUSE)
        try:
            context.wait(pause)
        except ENDED:
            return


def _run_once(row: Connector, context: ConnectorContext) -> None:
    """Raises what ends the thread only."""
    kind: ConnectorKind | None = None
    try:
        kind = kind_of(row.kind)(row)
        kind.run(context)
    except ENDED:
        raise
    except Exception as error:
        what, text = explained(error, kind.redacted if kind else None)
        with suppress(Exception):  # the database may be what is down
            status.report(row, what, text)
            if kind is not None:
                kind.went_down(context, error)
    finally:
        if kind is not None:
            with suppress(Exception):
                kind.close()
