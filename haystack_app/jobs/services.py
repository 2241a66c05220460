"""Services: what workers run beside jobs, for as long as there is something to run."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Protocol

__all__ = ["Service", "has_due", "register", "services"]


class Service(Protocol):
    """One object a worker."""

    @staticmethod
    def is_due() -> bool:
        """Whether a worker must be started for it."""

    def is_busy(self) -> bool:
        """Whether the worker must not end for want of jobs."""

    def run(self, stopping: Event) -> None:
        """Work until the event. An error is logged, and it is called again."""

    def stop(self) -> None:
        """End what runs; called after the event too, if ``run`` raised."""


services: list[Callable[[], Service]] = []
_checks: list[Callable[[], bool]] = []


def register(service: type[Service]) -> None:
    services.append(service)
    _checks.append(service.is_due)


def has_due() -> bool:
    return any(is_due() for is_due in _checks)
