"""The kinds of connectors, by their names.

A package adds one with the decorator, in a module that is imported at start: by the
``ready`` of its AppConfig, or by being named in ``HAYSTACK["ACTIONS"]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..models import Connector
from .errors import ConnectorError

if TYPE_CHECKING:
    from .kind import ConnectorKind

__all__ = ["connector", "kind_of", "kinds"]

_T = TypeVar("_T", bound="type[ConnectorKind]")
_kinds: dict[str, type[ConnectorKind]] = {}


def connector(name: str) -> Callable[[_T], _T]:
    """Register a kind of connector. Raises ValueError if another one has the name."""

    def register(kind: _T) -> _T:
        if name in _kinds:
            raise ValueError(f"connector kind {name!r} already exists")
        kind.name = name
        _kinds[name] = kind
        return kind

    return register


def kinds() -> dict[str, type[ConnectorKind]]:
    return dict(sorted(_kinds.items()))


def kind_of(name: str) -> type[ConnectorKind]:
    """Raises ConnectorError if no package of this process has the kind."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds)) or "none are installed"
        raise ConnectorError(
            Connector.Status.SETTINGS,
            f"kind of connector {name!r} not found; installed are: {known}",
        ) from None
