"""The actions of a connector, each again and again at its interval."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db import close_old_connections

from ..models import Connector
from .context import ENDED, ConnectorContext
from .errors import explained

if TYPE_CHECKING:
    from .kind import ConnectorKind

__all__ = ["Rounds"]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_LONGEST_REST = 60.0


class Rounds:
    """Of one run. The status of the connector is that of the first failing action."""

    def __init__(self, kind: ConnectorKind, context: ConnectorContext) -> None:
        self.kind = kind
        self.context = context
        self.due: dict[str, float] = {}
        self.pauses: dict[str, float] = {}
        self.running: set[str] = set()
        self.problems: dict[str, tuple[Connector.Status, str]] = {}

    def run(self) -> None:
        self.context.meanwhile = self._do_due
        while True:
            self._do_due()
            rest = min(self.due.values(), default=0.0) - time.monotonic()
            close_old_connections()
            self.context.wait(min(max(rest, 0.05), _LONGEST_REST))

    def _do_due(self) -> None:
        """Also within another action that takes long, such as a long history."""
        for action, seconds in self.kind.intervals().items():
            is_due = time.monotonic() >= self.due.get(action, 0.0)
            if is_due and action not in self.running:
                self.running.add(action)
                try:
                    self._do(action, seconds)
                finally:
                    self.running.discard(action)

    def _do(self, action: str, seconds: float) -> None:
        try:
            self.kind.perform(action, self.context, is_waiting=False)
        except ENDED:
            raise
        except Exception as error:
            self.problems[action] = explained(error, self.kind.redacted)
            pause = min(self.pauses.get(action, _SHORTEST_PAUSE) * 2, _LONGEST_PAUSE)
            self.pauses[action] = pause
            self._report()
            self.kind.went_down(self.context, error, action)
        else:
            self.problems.pop(action, None)
            self.pauses.pop(action, None)
            self._report()
        self.due[action] = time.monotonic() + self.pauses.get(action, seconds)

    def _report(self) -> None:
        if self.problems:
            self.context.failed(*next(iter(self.problems.values())))
        else:
            self.context.succeeded(self.kind.lag())
