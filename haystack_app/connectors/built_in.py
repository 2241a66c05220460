"""What the app adds at start: the service of workers, and its own kinds."""

from __future__ import annotations

from ..jobs import services
from . import haystack, tasks  # noqa: F401  register a kind and the tasks
from .mqtt import kind  # noqa: F401  registers itself
from .supervisor import ConnectorService

__all__ = ["register"]


def register() -> None:
    services.register(ConnectorService)
