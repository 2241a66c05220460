"""From the words of a request to what an op needs."""

from __future__ import annotations

from collections.abc import Callable

from ..storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from .registry import Context

__all__ = ["UnknownProject", "context_for"]

UnknownProject = UnknownStorage


def context_for(
    project: str | None, username: str, close: Callable[[], None]
) -> Context:
    """``project`` names a storage of the settings; None is the default one.

    Raises UnknownProject.
    """
    return Context(storages[project or DEFAULT_ALIAS], username, close)
