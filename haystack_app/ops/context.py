"""From the words of a request to what an op needs."""

from __future__ import annotations

from collections.abc import Callable

from ..filters.ast import Filter
from ..storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from .registry import Context

__all__ = ["UnknownProject", "context_for"]

UnknownProject = UnknownStorage


def context_for(
    project: str | None,
    username: str,
    close: Callable[[], None],
    may: Callable[[str], bool],
    scope: Filter | None,
    subscriber: str = "",
) -> Context:
    """``project`` names a storage of the settings; None is the default one.

    ``scope`` is what the caller may see of it. Raises UnknownProject.
    """
    store = storages[project or DEFAULT_ALIAS]
    return Context(
        store if scope is None else store.visible_to(scope),
        username,
        close,
        may,
        subscriber,
    )
