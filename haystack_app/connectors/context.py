"""What the work of a connector knows of who does it, and what it says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..jobs.context import JobCancelled, JobLost, JobPaused, JobSignals
from ..models import Connector
from . import status

__all__ = ["ENDED", "ConnectorContext"]

ENDED = (JobCancelled, JobLost, JobPaused)
"""What the methods raise that must end the work."""

_SLICE_SECONDS = 0.2
_REPORT_SECONDS = 10.0
"""At most so often an unchanged success is stored."""


def _silent(done: int, total: int | None = None, note: str | None = None) -> None:
    """For work that is not a job."""


def _nothing() -> None:
    """For work beside which there is no other."""


class ConnectorContext:
    """Of a job, or of a worker that holds the connector.

    ``alive_at`` is the monotonic time of the last call: without calls for long, the
    worker gives the connector to another one.
    """

    def __init__(
        self,
        connector: Connector,
        signals: JobSignals | None = None,
        tell: Callable[..., None] = _silent,
        *,
        is_job: bool = False,
    ) -> None:
        self.connector = connector
        self.signals = signals or JobSignals()
        self.alive_at = time.monotonic()
        self.keepers: list[Callable[[], None]] = []
        """Called by ``check``: they keep what must not end while there is work."""
        self.meanwhile: Callable[[], None] = _nothing
        """Other work of the same connector that is due; see ``breathe``."""
        self.is_job = is_job
        """Whether a person asked for the work."""
        self._tell = tell
        self._reported_at = 0.0

    def check(self) -> None:
        """Say that the work goes on. Raises what must end it."""
        self.alive_at = time.monotonic()
        for keep in self.keepers:
            keep()
        self.signals.check()

    def breathe(self) -> None:
        """As ``check``, for long work where other work of the connector may be done."""
        self.check()
        self.meanwhile()

    def wait(self, seconds: float) -> None:
        """Sleep. Raises as ``check`` does, also while it sleeps."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
            self.check()

    def progress(
        self, done: int, total: int | None = None, note: str | None = None
    ) -> None:
        """Say what is done, for people that look at the job. Raises as ``check``."""
        self._tell(done, total, note)
        self.check()

    def succeeded(self, lag: float | None = None, **state: Any) -> None:
        """The other system answers, and what it sent is stored.

        ``lag`` is how many seconds older that is than what the system has; None if
        this is not known. ``state`` is as for
        ``remember``.
        """
        if state:
            self.remember(**state)
        now = time.monotonic()
        is_new = self.connector.status != Connector.Status.OK
        if is_new or now - self._reported_at >= _REPORT_SECONDS:
            self._reported_at = now
            status.report(self.connector, Connector.Status.OK, lag=lag)

    def remember(self, **state: Any) -> None:
        """Merge JSON into the state of the connector."""
        status.remember(self.connector, state)

    def failed(self, kind: Connector.Status, error: str) -> None:
        """Store a status and what is wrong, for work that goes on nevertheless."""
        status.report(self.connector, kind, error)
